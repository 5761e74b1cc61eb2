-- One row for each transaction that changed something of a production, or of a person: only ever inserted, so that
-- writers neither wait for each other nor deadlock. What a snapshot sees of a scope is told by the sum of its values;
-- they are random, so a sum does not come back: not after a rollback, a restored backup, or marks merged into new ones.

CREATE TABLE pegbar.mark (
  scope UUID NOT NULL,
  xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
  value BIGINT DEFAULT uuid_hash_extended(gen_random_uuid(), 0) NOT NULL
);
CREATE INDEX ix_mark_scope ON pegbar.mark (scope, xid) INCLUDE (value);

-- Each time Pegbar is added to a database is another beginning.
INSERT INTO pegbar.mark (scope) VALUES ('00000000-0000-0000-0000-000000000000');

CREATE FUNCTION pegbar.mark_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO pegbar.mark (scope) VALUES ('00000000-0000-0000-0000-000000000000');
  RETURN NULL;
END $$;
