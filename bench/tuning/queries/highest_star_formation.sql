-- class: wide-scan
-- The ten thousand galaxies with the highest specific star formation.
SELECT targetid, ra, dec, z, log(sfr) - logmstar AS log_ssfr
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE sfr > 0 AND logmstar BETWEEN 6 AND 13
 ORDER BY log(sfr) - logmstar DESC
 LIMIT 10000
