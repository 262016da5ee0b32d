/*
title: Cut in star formation and break
answers: >-
  Galaxies of given mass, specific star formation and break: the defaults are the green valley
  between the two populations.
tables:
  galaxies: fastspecfit.galaxies
parameters:
  mass_min: {type: number, unit: dex(Msun), default: 9.5, minimum: 6, maximum: 13, what: Smallest mass.}
  mass_max: {type: number, unit: dex(Msun), default: 11.5, minimum: 6, maximum: 13, what: Largest mass.}
  log_ssfr_min: {type: number, unit: dex(1/yr), default: -11.5, what: Lowest specific star formation.}
  log_ssfr_max: {type: number, unit: dex(1/yr), default: -10, what: Highest specific star formation.}
  d4000_min: {type: number, default: 1.45, minimum: 0, maximum: 5, what: Smallest break.}
  d4000_max: {type: number, default: 1.65, minimum: 0, maximum: 5, what: Largest break.}
columns:
  targetid: {what: DESI target.}
  ra: {unit: deg, what: Right ascension.}
  dec: {unit: deg, what: Declination.}
  z: {what: Redshift.}
  logmstar: {unit: dex(Msun), what: Logarithm of the stellar mass.}
  log_ssfr: {unit: dex(1/yr), what: Logarithm of star formation by mass.}
  dn4000: {what: Break at 4000 Angstrom.}
plot: {kind: points, x: logmstar, y: log_ssfr}
*/
SELECT targetid, ra, dec, z, logmstar, log(nullif(sfr, 0)::float8) - logmstar AS log_ssfr, dn4000
  FROM {galaxies}
 WHERE logmstar BETWEEN %(mass_min)s::float8 AND %(mass_max)s::float8
   AND dn4000 BETWEEN %(d4000_min)s::float8 AND %(d4000_max)s::float8
   AND sfr BETWEEN 10::float8 ^ (logmstar + %(log_ssfr_min)s::float8)
               AND 10::float8 ^ (logmstar + %(log_ssfr_max)s::float8)
 ORDER BY targetid
