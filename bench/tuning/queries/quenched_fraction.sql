-- class: aggregation
-- Quenched fraction by mass.
SELECT round(logmstar::numeric, 1) AS mass, count(*),
       avg((d4000 > 1.6 OR sfr < 10.0 ^ (logmstar - 11))::int) AS quenched
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE logmstar BETWEEN 6 AND 13 AND d4000 BETWEEN 0.5 AND 5 AND z BETWEEN 0.01 AND 0.5
 GROUP BY mass ORDER BY mass
