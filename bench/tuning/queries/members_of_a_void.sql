-- class: join-and-membership
-- draws: 20
-- The galaxies of one void: GALZONE leads to ZONEVOID, and that to VOIDS.
SELECT g.targetid, g.z, g.logmstar, g.sfr, v.radius_mpc_h
  FROM raw_catalogs.desivast_voids v
  JOIN raw_catalogs.desivast_zonevoid zv
    ON zv.algorithm = v.algorithm AND zv.galactic_cap = v.galactic_cap
   AND zv.void0 = v.original_void_index
  JOIN raw_catalogs.desivast_galzone gz
    ON gz.algorithm = zv.algorithm AND gz.galactic_cap = zv.galactic_cap AND gz.zone = zv.zone
  JOIN raw_catalogs.fastspecfit_galaxies g ON g.targetid = gz.target
 WHERE v.algorithm = 'VIDE' AND v.original_void_index = %(void)s
