/*
title: Exposures per night
answers: How many exposures each night has of each program, how long they are, and how good.
tables:
  exposures: exposures.exposures
parameters:
  from: {type: integer, default: 20190101, minimum: 20190101, maximum: 20991231, what: 'First night, as YYYYMMDD.'}
  to: {type: integer, default: 20991231, minimum: 20190101, maximum: 20991231, what: 'Last night, as YYYYMMDD.'}
columns:
  night: {what: 'Night, as YYYYMMDD.'}
  program: {what: Program of the tiles.}
  exposures: {what: Exposures.}
  exptime: {unit: s, what: Their length together.}
  efftime: {unit: s, what: 'Their effective length together, from the spectra.'}
  seeing: {unit: arcsec, what: Median seeing of the guide cameras.}
*/
SELECT night, program, count(*) AS exposures, sum(exptime) AS exptime, sum(efftime_spec) AS efftime,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seeing_gfa) AS seeing
  FROM {exposures}
 WHERE night BETWEEN %(from)s AND %(to)s
 GROUP BY night, program
 ORDER BY night, program
