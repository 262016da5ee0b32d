-- class: aggregation
-- Medians of star formation by mass and redshift: every group is sorted.
SELECT width_bucket(z, 0, 0.5, 10) AS slice, width_bucket(logmstar, 8, 12, 8) AS bin,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY sfr) AS median, count(*)
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE z < 0.5 AND logmstar BETWEEN 8 AND 12
 GROUP BY slice, bin
