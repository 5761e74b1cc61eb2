-- One row for each changed row, in partitions by month; nobody waits for one that is missing: there is a default.

CREATE SEQUENCE pegbar.change_id;
CREATE SEQUENCE pegbar.history_id CACHE 1;

CREATE TABLE pegbar.change (
  id BIGINT PRIMARY KEY DEFAULT nextval('pegbar.change_id'),
  at TIMESTAMPTZ NOT NULL DEFAULT now(),
  person_id UUID,
  origin VARCHAR(10) NOT NULL,
  request_id UUID,
  method VARCHAR(10),
  route TEXT,
  parts JSONB
);
CREATE INDEX ix_change_at ON pegbar.change (at);
CREATE INDEX ix_change_person_id ON pegbar.change (person_id);
CREATE INDEX ix_change_request_id ON pegbar.change (request_id);
CREATE INDEX ix_change_parts ON pegbar.change USING gin (parts jsonb_path_ops) WHERE parts IS NOT NULL;

CREATE TABLE pegbar.history (
  id BIGINT NOT NULL DEFAULT nextval('pegbar.history_id'),
  change_id BIGINT NOT NULL,
  at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
  table_name TEXT NOT NULL,
  row_id UUID NOT NULL,
  key JSONB,
  project_id UUID,
  op VARCHAR(1) NOT NULL,
  old JSONB,
  new JSONB
) PARTITION BY RANGE (at);
CREATE INDEX ix_history_row ON pegbar.history (row_id, id);
CREATE INDEX ix_history_project ON pegbar.history (project_id, id);
CREATE INDEX ix_history_change ON pegbar.history (change_id);
CREATE TABLE pegbar.history_rest PARTITION OF pegbar.history DEFAULT;

-- From when on all is known: since these tables are there, or what is left of them.
CREATE TABLE pegbar.history_start (at TIMESTAMPTZ NOT NULL);
INSERT INTO pegbar.history_start VALUES (clock_timestamp());

ALTER TABLE pegbar.outbox ADD COLUMN IF NOT EXISTS change_id BIGINT;

-- The number of this transaction's change: the first trigger takes it, and all that follow know it.
CREATE FUNCTION pegbar.this_change() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  known text := current_setting('pegbar.change', true);
BEGIN
  IF known IS NULL OR known = '' THEN
    known := set_config('pegbar.change', nextval('pegbar.change_id')::text, true);
  END IF;
  RETURN known::bigint;
END $$;

-- Partitions of this month and those ahead of it. What the default has of a month moves over with it.
CREATE FUNCTION pegbar.make_history_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  first timestamptz;
  beyond timestamptz;
  name text;
  made integer := 0;
BEGIN
  FOR n IN 0..ahead LOOP
    first := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    first := (first AT TIME ZONE 'UTC' + make_interval(months => n)) AT TIME ZONE 'UTC';
    beyond := (first AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    name := 'history_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
    IF to_regclass('pegbar.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE pegbar.%I (LIKE pegbar.history INCLUDING ALL)', name);
      EXECUTE format('WITH moved AS (DELETE FROM pegbar.history_rest WHERE at >= %L AND at < %L RETURNING *)
                      INSERT INTO pegbar.%I SELECT * FROM moved', first, beyond, name);
      EXECUTE format('ALTER TABLE pegbar.history ATTACH PARTITION pegbar.%I FOR VALUES FROM (%L) TO (%L)',
                     name, first, beyond);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
SELECT pegbar.make_history_partitions(2);

-- Partitions that end before a moment go; what is older in the default too.
CREATE FUNCTION pegbar.drop_history(before timestamptz) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  name text;
  beyond timestamptz;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'pegbar.history'::regclass AND c.relname ~ '^history_\d{4}_\d\d$' ORDER BY 1
  LOOP
    beyond := (to_date(right(name, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC';
    CONTINUE WHEN beyond > before;
    EXECUTE format('DROP TABLE pegbar.%I', name);
    UPDATE pegbar.history_start SET at = beyond WHERE at < beyond;
    dropped := dropped + 1;
  END LOOP;
  DELETE FROM pegbar.history_rest WHERE at < before;
  RETURN dropped;
END $$;

-- A document in which an id stands for nobody any more: as a value, as a key, and inside of texts.
CREATE FUNCTION pegbar.without_person(document jsonb, id text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT replace(replace(replace(document::text, '"' || id || '":', '"somebody":'), '"' || id || '"', 'null'),
                 id, 'somebody')::jsonb
$$;

-- What somebody is shown of a row: some columns (all without any), and of its metadata some fields (likewise).
CREATE FUNCTION pegbar.shown_of(document jsonb, columns jsonb, fields text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT jsonb_object_agg(c.key, CASE WHEN fields IS NULL OR c.key <> 'data' THEN c.value ELSE (
           SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}')
             FROM jsonb_each(CASE jsonb_typeof(c.value) WHEN 'object' THEN c.value ELSE '{}' END) f
            WHERE f.key = ANY (fields)) END)
    FROM jsonb_each(document) c WHERE columns IS NULL OR columns ? c.key
$$;
