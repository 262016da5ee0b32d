/*
title: Quenched fraction by mass and environment
answers: >-
  Which share of the galaxies has stopped forming stars, by mass, in voids and outside. Galaxies of the volume-limited sample, away from its edges; `void` where the zone of the galaxy is in a void, else `wall`.
tables:
  galzone: desivast.galzone
  zonevoid: desivast.zonevoid
  galaxies: fastspecfit.galaxies
parameters:
  algorithm:
    {type: text, default: REVOLVER, values: [REVOLVER, VIDE, ZOBOV], what: Void finder whose zones count.}
  d4000:
    {type: number, default: 1.6, minimum: 0, maximum: 5, what: Break above which a galaxy is quenched.}
  log_ssfr:
    {type: number, default: -11, unit: dex(1/yr), what: Specific star formation below which it is.}
  bin: {type: number, unit: dex, default: 0.5, minimum: 0.01, maximum: 2, what: Width of a bin of mass.}
columns:
  environment: {what: void or wall.}
  logmstar: {unit: dex(Msun), what: Middle of the bin.}
  galaxies: {what: Galaxies in the bin.}
  quenched: {what: 'Share of them that is quenched: by its break, or by its specific star formation.'}
  error: {what: Standard error of the share.}
plot: {kind: lines, x: logmstar, y: quenched, group: environment, error: error}
*/
WITH sample AS (
    SELECT g.targetid, g.z, g.logmstar, g.sfr, g.dn4000,
           CASE WHEN zv.void0 IS NULL THEN 'wall' ELSE 'void' END AS environment
      FROM {galzone} gz
      LEFT JOIN {zonevoid} zv USING (algorithm, galactic_cap, zone)
      JOIN {galaxies} g ON g.targetid = gz.target
     WHERE gz.algorithm = %(algorithm)s AND gz.edge = 0 AND gz.out = 0
       AND g.logmstar BETWEEN 6 AND 13 AND g.dn4000 BETWEEN 0.5 AND 5
), judged AS (
    SELECT environment, floor(logmstar / %(bin)s::float8) AS place,
           (dn4000 > %(d4000)s::float8
            OR sfr < 10::float8 ^ (logmstar + %(log_ssfr)s::float8))::int AS quenched
      FROM sample
     WHERE sfr IS NOT NULL
), counted AS (
    SELECT environment, place, count(*) AS galaxies, avg(quenched)::float8 AS quenched
      FROM judged
     GROUP BY environment, place
)
SELECT environment, (place + 0.5) * %(bin)s::float8 AS logmstar, galaxies, quenched,
       sqrt(quenched * (1 - quenched) / galaxies) AS error
  FROM counted
 ORDER BY environment, place
