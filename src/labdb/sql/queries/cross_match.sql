/*
title: Cross-match with stars
answers: >-
  Which galaxies stand where a star does, once the star has moved to the epoch of the galaxies: the
  nearest one of each star.
extensions: [labdb]
tables:
  stars: positions.positions
  galaxies: fastspecfit.galaxies
parameters:
  radius: {type: number, unit: arcsec, default: 1, minimum: 0, maximum: 3600, what: Largest separation.}
  years:
    {type: number, unit: yr, default: 0, minimum: -200, maximum: 200, what: 'From the epoch of the stars to that of the galaxies; DESI observes at about 2016 + 5.5.'}
columns:
  source_number: {what: Number of the star in its catalogue.}
  targetid: {what: DESI target.}
  separation: {unit: arcsec, what: Angle between the two.}
*/
SELECT left_id AS source_number, right_id AS targetid, separation * 3600 AS separation
  FROM labdb.crossmatch_moving(
         {stars_name}::regclass, {galaxies_name}::regclass, %(radius)s::float8 / 3600,
         %(years)s::float8, left_key => 'source_number')
 ORDER BY separation, source_number, targetid
