-- class: wide-scan
-- Each galaxy's rank by mass in its slice of redshift; the top of each slice.
SELECT * FROM (
    SELECT targetid, z, logmstar,
           rank() OVER (PARTITION BY width_bucket(z, 0, 0.6, 60) ORDER BY logmstar DESC) AS place
      FROM raw_catalogs.fastspecfit_galaxies
     WHERE z < 0.6 AND logmstar BETWEEN 9.5 AND 13) ranked
 WHERE place <= 100
