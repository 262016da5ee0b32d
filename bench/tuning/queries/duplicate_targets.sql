-- class: aggregation
-- The lab's check that no galaxy came twice, over positions: a group for each galaxy.
SELECT q3c_ang2ipix(ra, dec) AS place, count(*)
  FROM raw_catalogs.fastspecfit_galaxies
 GROUP BY place HAVING count(*) > 1
