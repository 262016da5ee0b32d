/*
title: Main sequence by environment
answers: >-
  Slope and level of the relation of star formation and mass of star-forming galaxies, in voids and
  outside, by redshift. Galaxies of the volume-limited sample, away from its edges; `void` where the zone of the galaxy is in a void, else `wall`.
tables:
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  d4000:
    {type: number, default: 1.6, minimum: 0, maximum: 5, what: Break below which a galaxy forms stars.}
  slice: {type: number, default: 0.05, minimum: 0.001, maximum: 10, what: Width of a slice of redshift.}
columns:
  environment: {what: void or wall.}
  z: {what: Middle of the slice of redshift.}
  galaxies: {what: Star-forming galaxies.}
  slope: {what: Slope of log SFR over log mass.}
  level: {unit: dex(Msun/yr), what: log SFR of the fit at a log mass of 10.}
  scatter: {unit: dex, what: Standard deviation around the fit.}
*/
WITH sample AS (
    SELECT g.targetid, g.z, g.logmstar, g.sfr, g.dn4000,
           CASE WHEN zv.void0 IS NULL THEN 'wall' ELSE 'void' END AS environment
      FROM {galzone} gz
      LEFT JOIN {zonevoid} zv USING (algorithm, galactic_cap, zone)
      JOIN {galaxies} g ON g.targetid = gz.target
     WHERE gz.algorithm = %(algorithm)s AND gz.edge = 0 AND gz.out = 0
       AND g.logmstar BETWEEN 6 AND 13 AND g.dn4000 BETWEEN 0.5 AND 5
), forming AS (
    SELECT environment, floor(z / %(slice)s::float8) AS place, logmstar::float8 AS mass,
           log(sfr::float8) AS rate
      FROM sample
     WHERE sfr > 0 AND dn4000 < %(d4000)s::float8
)
SELECT environment, (place + 0.5) * %(slice)s::float8 AS z, count(*) AS galaxies,
       regr_slope(rate, mass) AS slope,
       regr_intercept(rate, mass) + 10 * regr_slope(rate, mass) AS level,
       sqrt(greatest(0, var_pop(rate) * (1 - regr_r2(rate, mass)))) AS scatter
  FROM forming
 GROUP BY environment, place
 ORDER BY environment, place
