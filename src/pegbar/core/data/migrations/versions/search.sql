-- What search reads: a document for each row that can be found, written by triggers in the transaction that changes the
-- row, whoever writes it. No extension is needed for that; pg_trgm only makes looking for similar words quick.

CREATE TABLE pegbar.search_document (
  id uuid PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,        -- the name of its index: assets, shots…
  project_id uuid NOT NULL,              -- nil: of no production
  key text COLLATE "C" NOT NULL,         -- what orders documents of equal rank, by which names are found from their start
  words tsvector NOT NULL                -- A: name, B: what is above it, or its type; C, ~: description; D, =: metadata
);
CREATE INDEX ix_search_document_key ON pegbar.search_document (kind, project_id, key, id);
-- What waits to be sorted into the index is read by each search: a little of it only.
CREATE INDEX ix_search_document_words ON pegbar.search_document USING gin (words) WITH (gin_pending_list_limit = 256);

-- The words of all documents, for typing errors and parts of words. Only ever inserted, so that writers never wait for
-- each other: a word may stand there more than once, and stays when its last document goes (search/jobs.py).
CREATE TABLE pegbar.search_word (word text COLLATE "C" NOT NULL);
CREATE INDEX ix_search_word ON pegbar.search_word (word);

-- Letters without case and accents. Collations and locales have no part in it, so that all databases agree.
CREATE FUNCTION pegbar.search_fold(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF octet_length(value) = length(value) THEN
    RETURN lower(value COLLATE "C");
  END IF;
  value := regexp_replace(
    normalize(value, NFKD) COLLATE "C",
    U&'[\00AD\0300-\036F\0591-\05C7\064B-\065F\200B-\200F\202A-\202E\2060-\2064\FE00-\FE0F\FEFF]', '', 'g');
  value := translate(
    lower(value COLLATE "C"),
    'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЂЈЉЊЋЏҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςØøĐđŁłıÐðŦŧĦħ',
    'абвгдежзиклмнопрстуфхцчшщъыьэюяєіђјљњћџґαβγδεζηθικλμνξοπρστυφχψωσooddlliddtthh');
  value := replace(replace(replace(value, 'Æ', 'ae'), 'æ', 'ae'), 'ß', 'ss');
  RETURN replace(replace(replace(replace(value, 'Œ', 'oe'), 'œ', 'oe'), 'Þ', 'th'), 'þ', 'th');
END $$;

-- The words of a text, with one space between them: `SQ01_SH0010b`, `sq1sh10B` and `SQ-01 sh010 b` are not the same, but
-- the first two are, `sq1 sh10 b`: a word ends where letters follow digits, and numbers have no leading zeros.
CREATE FUNCTION pegbar.search_words(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  value := regexp_replace(
    pegbar.search_fold(value) COLLATE "C",
    U&'[\0001-\002F\003A-\0040\005B-\0060\007B-\00BF\00D7\00F7\2000-\206F\3000-\303F]+', ' ', 'g');
  value := regexp_replace(value, '([0-9])([^0-9 ])', '\1 \2', 'g');
  value := regexp_replace(value, '(^|[^0-9])0+([0-9])', '\1\2', 'g');
  IF length(value) > 60 THEN
    value := regexp_replace(value, '([^ ]{60})[^ ]+', '\1', 'g');
  END IF;
  RETURN btrim(value);
END $$;

-- Words of a name, with numbers also without the letters before them (`110` finds SH0110), and with letters and numbers
-- also as one (`sh10` finds SH-010).
CREATE FUNCTION pegbar.search_name_words(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  plain text := pegbar.search_words(name);
BEGIN
  IF plain ~ '[0-9]' THEN
    RETURN concat(
      plain, ' ', regexp_replace(plain, '([^0-9 ]) ([0-9])', '\1\2', 'g'), ' ',
      btrim(regexp_replace(plain, '[^0-9 ]+([0-9])|[^0-9 ]+', ' \1', 'g')));
  END IF;
  RETURN plain;
END $$;

-- Words as the text of a tsvector, each with a weight, after what keeps them apart from others: in an index, words of
-- names are found without those of descriptions.
CREATE FUNCTION pegbar.search_terms(words text, apart text, weight text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN words <> '' THEN regexp_replace(words, '[^ ]+', apart || '\&:1' || weight, 'g') END;

-- What is looked for in metadata: the values but those of frames, and of ids of people.
CREATE FUNCTION pegbar.search_values(data jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF data IS NULL OR jsonb_typeof(data) <> 'object' OR data = '{}' THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT left(string_agg(value, ' '), 4000) FROM jsonb_each_text(data)
     WHERE key NOT IN ('frame_in', 'frame_out', 'fps', 'handle_in', 'handle_out')
       AND value !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');
END $$;

-- The words of metadata.
CREATE FUNCTION pegbar.search_metadata(data jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(pegbar.search_terms(pegbar.search_words(pegbar.search_values(data)), '=', 'D'), '')::tsvector;

-- A document's words, and by what it is narrowed within the index.
CREATE FUNCTION pegbar.search_vector(
  kind text, project_id uuid, name text, above text, description text, data jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN concat_ws(
    ' ', '@' || kind, concat('@', kind, '/', project_id),
    pegbar.search_terms(pegbar.search_name_words(name), '', 'A'),
    pegbar.search_terms(pegbar.search_words(above), '', 'B'),
    pegbar.search_terms(pegbar.search_words(left(description, 4000)), '~', 'C'),
    pegbar.search_terms(pegbar.search_words(pegbar.search_values(data)), '=', 'D'))::tsvector;
END $$;

-- A name from its first letter on, as it is typed: without spaces and signs, numbers as they are.
CREATE FUNCTION pegbar.search_key(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN left(regexp_replace(
    pegbar.search_fold(name) COLLATE "C",
    U&'[\0001-\002F\003A-\0040\005B-\0060\007B-\00BF\00D7\00F7\2000-\206F\3000-\303F]+', '', 'g'), 160);
END $$;

-- Words that are like what somebody typed: a hundred, for the caller to judge. Made again for what the database has:
-- with pg_trgm by its index; without, only words that begin alike.
CREATE FUNCTION pegbar.search_use_similarity() RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  place text;
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA pegbar;
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    NULL;  -- pegbar says so when it starts
  END;
  SELECT quote_ident(n.nspname) INTO place
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
  IF place IS NULL THEN
    CREATE OR REPLACE FUNCTION pegbar.search_similar(typed text) RETURNS SETOF text
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $body$
      SELECT DISTINCT word FROM pegbar.search_word
       WHERE (word >= left(typed, 1) COLLATE "C" AND word < (left(typed, 1) || U&'\+10FFFF') COLLATE "C"
              AND abs(length(word) - length(typed)) <= 2)
          OR word LIKE '%' || typed || '%'
       LIMIT 5000
    $body$;
    RETURN false;
  END IF;
  EXECUTE format(
    'CREATE INDEX IF NOT EXISTS ix_search_word_similar ON pegbar.search_word USING gin (word %s.gin_trgm_ops) '
    'WITH (gin_pending_list_limit = 256)', place);
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION pegbar.search_similar(typed text) RETURNS SETOF text '
    'LANGUAGE sql STABLE SET search_path = pg_catalog AS $body$ '
    '  SELECT word FROM (SELECT DISTINCT word FROM pegbar.search_word WHERE word LIKE ''%%'' || typed || ''%%'' LIMIT 100) part '
    '  UNION '
    '  SELECT word FROM (SELECT DISTINCT word, %1$s.similarity(word, typed) AS likeness FROM pegbar.search_word '
    '                     WHERE word OPERATOR(%1$s.%%) typed ORDER BY likeness DESC, word LIMIT 100) alike $body$', place);
  RETURN true;
END $$;

-- Writes all documents anew, a few thousand rows at a time.
CREATE FUNCTION pegbar.search_reset() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  source text;
  batch uuid[];
BEGIN
  DELETE FROM pegbar.search_document;
  DELETE FROM pegbar.search_word;
  FOREACH source IN ARRAY ARRAY['project', 'person', 'entity', 'playlist', 'comment'] LOOP
    batch := ARRAY['00000000-0000-0000-0000-000000000000'::uuid];
    LOOP
      EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM public.%I WHERE id > $1 ORDER BY id LIMIT 5000) next', source)
        INTO batch USING batch[array_upper(batch, 1)];
      EXIT WHEN batch IS NULL;
      EXECUTE format('SELECT pegbar.search_write_%I($1)', source) USING batch;
    END LOOP;
  END LOOP;
END $$;
