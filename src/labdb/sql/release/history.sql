-- The provenance of what researchers query: one line each time that the views came to point elsewhere.
CREATE TABLE {schema}.release_history (
  promotion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  release text NOT NULL,
  action text NOT NULL CHECK (action IN ('promote', 'rollback')),
  previous text,
  done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_by text NOT NULL DEFAULT session_user,
  code_version text NOT NULL,
  tables jsonb NOT NULL,
  cosmologies jsonb NOT NULL
);

COMMENT ON TABLE {schema}.release_history IS
  'Which release the views of this schema pointed to, since when, and what it was made of.';
