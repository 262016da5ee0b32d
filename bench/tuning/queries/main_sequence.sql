-- class: aggregation
-- Slope of the main sequence of star formation, by redshift.
SELECT width_bucket(z, 0, 0.5, 10) AS slice, count(*),
       regr_slope(log(sfr), logmstar) AS slope, regr_intercept(log(sfr), logmstar) AS level
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE sfr > 0 AND d4000 < 1.6 AND logmstar BETWEEN 6 AND 13 AND z < 0.5
 GROUP BY slice ORDER BY slice
