-- class: aggregation
-- Stellar mass function by redshift.
SELECT width_bucket(z, 0, 0.6, 6) AS slice, width_bucket(logmstar, 8, 12.5, 45) AS bin, count(*)
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE z < 0.6 AND logmstar BETWEEN 8 AND 12.5
 GROUP BY slice, bin ORDER BY slice, bin
