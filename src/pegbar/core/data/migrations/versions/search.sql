-- What search reads: a document for each row that can be found, written by triggers in the transaction that changes the
-- row, whoever writes it. No extension is needed for that; pg_trgm only makes looking for similar words quick.

CREATE TABLE pegbar.search_document (
  id uuid PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,        -- the name of its index: assets, shots…
  project_id uuid NOT NULL,              -- nil: of no production
  key text COLLATE "C" NOT NULL,         -- what orders documents of equal rank, by which names are found from their start
  -- Each after the code of its kind and the mark of its place, so that the index is asked for nothing else.
  -- A: name, B: what is above it, or its type; C, ~: description; D, =: metadata; and @ with the production.
  words tsvector NOT NULL
);
CREATE INDEX ix_search_document_key ON pegbar.search_document (kind, project_id, key, id);
-- What waits to be sorted into the index is read by each search: a little of it only.
CREATE INDEX ix_search_document_words ON pegbar.search_document USING gin (words) WITH (gin_pending_list_limit = 256);

-- The words of all documents by kind and place ('' for names and what is above them, '~' for descriptions, '=' for
-- metadata): what begins with, holds or is like what somebody types is looked for among them. Only ever inserted, so that
-- writers never wait for each other: a word may stand there more than once, and stays when its last document goes, until
-- `pegbar search reset`.
CREATE TABLE pegbar.search_word (
  kind text COLLATE "C" NOT NULL,
  place text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL
);
CREATE INDEX ix_search_word ON pegbar.search_word (kind, place, word);

-- Letters without case and accents. Collations and locales have no part in it, so that all databases agree.
CREATE FUNCTION pegbar.search_fold(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF octet_length(value) = length(value) OR getdatabaseencoding() <> 'UTF8' THEN
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
    U&'[\0001-\002F\003A-\0040\005B-\0060\007B-\00BF\00D7\00F7\1680\2000-\206F\3000-\303F]+', ' ', 'g');
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

-- The capital before the words of documents of a kind; words have none.
CREATE FUNCTION pegbar.search_code(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind
  WHEN 'shots' THEN 'S' WHEN 'assets' THEN 'A' WHEN 'comments' THEN 'C' WHEN 'sequences' THEN 'Q' WHEN 'episodes' THEN 'E'
  WHEN 'edits' THEN 'D' WHEN 'persons' THEN 'P' WHEN 'projects' THEN 'R' WHEN 'playlists' THEN 'L' END;

-- The words of metadata.
CREATE FUNCTION pegbar.search_metadata(kind text, data jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN coalesce(
    pegbar.search_terms(
      pegbar.search_words(pegbar.search_values(data)), concat(pegbar.search_code(kind), '='), 'D'), '')::tsvector;
END $$;

-- A document's words.
CREATE FUNCTION pegbar.search_vector(
  kind text, project_id uuid, name text, above text, description text, data jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  code text := pegbar.search_code(kind);
BEGIN
  RETURN concat_ws(
    ' ', concat('@', project_id),
    pegbar.search_terms(pegbar.search_name_words(name), code, 'A'),
    pegbar.search_terms(pegbar.search_words(above), code, 'B'),
    pegbar.search_terms(pegbar.search_words(left(description, 4000)), concat(code, '~'), 'C'),
    pegbar.search_terms(pegbar.search_words(pegbar.search_values(data)), concat(code, '='), 'D'))::tsvector;
END $$;

-- The words of a document, with their places.
CREATE FUNCTION pegbar.search_lexemes(words tsvector) RETURNS TABLE (place text, word text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substr(lexeme, 2, marked), substr(lexeme, 2 + marked)
    FROM unnest(words) CROSS JOIN LATERAL (SELECT (substr(lexeme, 2, 1) IN ('~', '='))::int AS marked) m
   WHERE left(lexeme, 1) <> '@'
$$;

-- A name from its first letter on, as it is typed: without spaces and signs, numbers as they are.
CREATE FUNCTION pegbar.search_key(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN left(regexp_replace(
    pegbar.search_fold(name) COLLATE "C",
    U&'[\0001-\002F\003A-\0040\005B-\0060\007B-\00BF\00D7\00F7\1680\2000-\206F\3000-\303F]+', '', 'g'), 160);
END $$;

-- Words of a kind that hold or are like what somebody typed, for the caller to judge. Made again for what the database
-- has: with pg_trgm by its index; without, only words that begin alike.
CREATE FUNCTION pegbar.search_use_similarity() RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  trgm text;
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA pegbar;
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    NULL;  -- pegbar says so when it starts
  END;
  SELECT quote_ident(n.nspname) INTO trgm
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
  IF trgm IS NULL THEN
    CREATE OR REPLACE FUNCTION pegbar.search_similar(kinds text[], typed text)
    RETURNS TABLE (kind text, place text, word text) LANGUAGE sql STABLE SET search_path = pg_catalog AS $body$
      SELECT w.kind, w.place, w.word FROM pegbar.search_word w
       WHERE w.kind = ANY(kinds)
         AND (w.word LIKE '%' || typed || '%'
              OR left(w.word, 1) = left(typed, 1) AND abs(length(w.word) - length(typed)) <= 2)
       LIMIT 2000
    $body$;
    RETURN false;
  END IF;
  EXECUTE format(
    'CREATE INDEX IF NOT EXISTS ix_search_word_similar ON pegbar.search_word USING gin (word %s.gin_trgm_ops) '
    'WITH (gin_pending_list_limit = 256)', trgm);
  EXECUTE format($make$
    CREATE OR REPLACE FUNCTION pegbar.search_similar(kinds text[], typed text)
    RETURNS TABLE (kind text, place text, word text) LANGUAGE sql STABLE SET search_path = pg_catalog AS $body$
      (SELECT w.kind, w.place, w.word FROM pegbar.search_word w
        WHERE w.word LIKE '%%' || typed || '%%' AND w.kind = ANY(kinds) LIMIT 500)
      UNION ALL
      (SELECT w.kind, w.place, w.word FROM pegbar.search_word w
        WHERE w.word OPERATOR(%1$s.%%) typed AND w.kind = ANY(kinds)
        ORDER BY %1$s.similarity(w.word, typed) DESC LIMIT 500)
    $body$
  $make$, trgm);
  RETURN true;
END $$;

-- Writes the documents of a table's next rows, as triggers do; the last of their ids, NULL after the last row.
CREATE FUNCTION pegbar.search_rewrite(source text, after uuid) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[];
BEGIN
  EXECUTE format(
    'SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM public.%I WHERE id > $1 ORDER BY id LIMIT 2000) next', source)
    INTO ids USING after;
  IF ids IS NOT NULL THEN
    EXECUTE format('SELECT pegbar.search_write_%I($1)', source) USING ids;
  END IF;
  RETURN ids[array_upper(ids, 1)];
END $$;

-- Drops documents of rows that are gone, and words of documents that are gone. Whoever writes waits meanwhile: a word
-- that a transaction under way relies on would be lost.
CREATE FUNCTION pegbar.search_tidy() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM pegbar.search_document d
   WHERE NOT EXISTS (SELECT 1 FROM public.entity WHERE id = d.id)
     AND NOT EXISTS (SELECT 1 FROM public.project WHERE id = d.id)
     AND NOT EXISTS (SELECT 1 FROM public.person WHERE id = d.id)
     AND NOT EXISTS (SELECT 1 FROM public.playlist WHERE id = d.id)
     AND NOT EXISTS (SELECT 1 FROM public.comment WHERE id = d.id);
  LOCK TABLE pegbar.search_word IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM pegbar.search_word;
  INSERT INTO pegbar.search_word (kind, place, word)
  SELECT DISTINCT d.kind, w.place, w.word
    FROM pegbar.search_document d CROSS JOIN LATERAL pegbar.search_lexemes(d.words) w;
END $$;
