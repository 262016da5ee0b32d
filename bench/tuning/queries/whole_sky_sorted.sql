-- class: wide-scan
-- The catalogue in order of the sky, as a new layout of the table would write it.
SELECT count(*), max(place) FROM (
    SELECT q3c_ang2ipix(ra, dec) AS place, targetid, z, logmstar, sfr, d4000
      FROM raw_catalogs.fastspecfit_galaxies
     ORDER BY q3c_ang2ipix(ra, dec) + 0, d4000
    OFFSET 0) sorted
