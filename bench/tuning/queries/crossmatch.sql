-- class: join-and-membership
-- Another survey's list against the catalogue, within two arcseconds.
WITH other AS MATERIALIZED (
    SELECT targetid AS source, (ra + 0.0002) AS ra, dec + 0.0002 AS dec
      FROM raw_catalogs.fastspecfit_galaxies
     WHERE z BETWEEN %(z)s AND %(z)s + 0.003
)
SELECT count(*), avg(q3c_dist(o.ra, o.dec, g.ra, g.dec)) * 3600 AS arcseconds
  FROM other o
  JOIN raw_catalogs.fastspecfit_galaxies g ON q3c_join(o.ra, o.dec, g.ra, g.dec, 2.0 / 3600)
