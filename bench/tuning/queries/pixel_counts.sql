-- class: aggregation
-- Galaxies in each cell of the sky, finer than the source files: many groups.
SELECT q3c_ang2ipix(ra, dec) >> 38 AS cell, count(*), avg(z), avg(logmstar)
  FROM raw_catalogs.fastspecfit_galaxies
 GROUP BY cell HAVING count(*) > 1
 ORDER BY count(*) DESC LIMIT 1000
