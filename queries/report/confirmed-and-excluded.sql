-- Cases in which each condition is confirmed or excluded: confirmed-and-excluded.rq over the tables of a cohort.
SELECT condition, status AS way, count(DISTINCT "case") AS cases
FROM differential
WHERE status IN ('confirmed', 'excluded')
GROUP BY condition, status
ORDER BY condition, way
