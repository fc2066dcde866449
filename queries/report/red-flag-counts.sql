-- Cases per red flag and certainty: red-flag-counts.rq over the tables of a cohort.
SELECT id AS flag, certainty, count(DISTINCT "case") AS cases
FROM red_flags
GROUP BY id, certainty
ORDER BY flag, certainty
