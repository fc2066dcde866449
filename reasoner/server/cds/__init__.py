"""Answer CDS Hooks 2.0: read a call, take its prefetched data apart, make cards of the answer.

| Module | Does |
|---|---|
| `request`, `prefetch`, `refusal` | what comes in, and why it may be refused |
| `answer`, `cards`, `response` | what goes out |
| `services`, `sources` | what discovery and source links say |
"""
