-- class: wide-scan
-- Galaxies between the two populations, cut by several columns that no index serves together.
SELECT count(*), avg(age_gyr), avg(metallicity), corr(d4000, logmstar)
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE d4000 BETWEEN 1.45 AND 1.65 AND logmstar BETWEEN 9.5 AND 11.5
   AND sfr BETWEEN 10.0 ^ (logmstar - 11.5) AND 10.0 ^ (logmstar - 10)
