-- class: point-and-cone
-- draws: 200
-- One galaxy by its identifier.
SELECT * FROM raw_catalogs.fastspecfit_galaxies WHERE targetid = %(targetid)s
