"""Hold a CDS Hooks 2.0 response: cards with suggestions, links and reasons to override, as frozen values that are always well-formed.

What the specification forbids cannot be made (ValueError): a source without a label, suggestions without a selection
behaviour, an unknown indicator, a delete without a reference, a resource without an id. Empty parts are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.export.fhir_json import Element, full

__all__ = ["INDICATORS", "Action", "Card", "Link", "OverrideReason", "Response", "Source", "Suggestion"]

INDICATORS = ("info", "warning", "critical")
"""How much a card matters, the least first."""

_BEHAVIOURS = ("", "any", "at-most-one")


def _require(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(what)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the advice of a card comes from."""

    label: str
    url: str = ""

    def __post_init__(self) -> None:
        _require(self.label, "a source has a label")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(label=self.label, url=self.url)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page, or (type `smart`) to an app that takes `context`."""

    label: str
    url: str
    type: str = "absolute"
    context: str = ""

    def __post_init__(self) -> None:
        _require(self.label and self.url, "a link has a label and an address")
        _require(self.type in ("absolute", "smart"), "a link is absolute or smart")
        _require(not self.context or self.type == "smart", "only a smart link has a context")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(label=self.label, url=self.url, type=self.type, appContext=self.context)


@dataclass(frozen=True, slots=True)
class Action:
    """A change that a suggestion makes: a resource to create or update, or the reference of one to delete."""

    type: str
    description: str
    resource: Element | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        _require(self.type in ("create", "delete", "update"), "an action creates, updates or deletes")
        _require(self.description, "an action has a description")
        _require((self.type == "delete") == (self.resource is None), "an action has a resource unless it deletes one")
        _require((self.type == "delete") == bool(self.reference), "a delete, and no other action, refers to a resource")
        if self.resource is not None:
            _require(self.resource.get("resourceType") and self.resource.get("id"), "a resource has a type and an id")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(type=self.type, description=self.description, resource=self.resource, resourceId=self.reference)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a clinician may choose on a card."""

    label: str
    uuid: str = ""
    actions: tuple[Action, ...] = ()

    def __post_init__(self) -> None:
        _require(self.label, "a suggestion has a label")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(label=self.label, uuid=self.uuid, actions=[each.to_json() for each in self.actions])


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """A coded reason for which a clinician may set a card aside."""

    system: str
    code: str
    display: str

    def __post_init__(self) -> None:
        _require(self.system and self.code and self.display, "a reason has a system, a code and words")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return {"system": self.system, "code": self.code, "display": self.display}


@dataclass(frozen=True, slots=True)
class Card:
    """One piece of advice; `detail` is Markdown, `selection` says how many suggestions may be chosen."""

    summary: str
    indicator: str
    source: Source
    uuid: str = ""
    detail: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    selection: str = ""
    overrides: tuple[OverrideReason, ...] = ()
    links: tuple[Link, ...] = ()
    extension: Element | None = None

    def __post_init__(self) -> None:
        _require(self.summary, "a card has a summary")
        _require(self.indicator in INDICATORS, f"an indicator is one of {', '.join(INDICATORS)}")
        _require(self.selection in _BEHAVIOURS, "a selection behaviour is any or at-most-one")
        _require(self.selection or not self.suggestions, "suggestions need a selection behaviour")

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(
            uuid=self.uuid,
            summary=self.summary,
            detail=self.detail,
            indicator=self.indicator,
            source=self.source.to_json(),
            suggestions=[each.to_json() for each in self.suggestions],
            selectionBehavior=self.selection,
            overrideReasons=[each.to_json() for each in self.overrides],
            links=[each.to_json() for each in self.links],
            extension=self.extension,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """The cards of one call; none when there is nothing to say."""

    cards: tuple[Card, ...] = ()

    def to_json(self) -> Element:
        """Return the JSON form."""
        return {"cards": [each.to_json() for each in self.cards]}
