-- Whoever may connect may ask; what a function reads is still the caller's matter.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;
