-- Pegbar's own tables.

CREATE TABLE pegbar.failed_attempt (
  address VARCHAR(60) NOT NULL,
  minute TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  attempts INTEGER NOT NULL,
  CONSTRAINT failed_attempt_pkey PRIMARY KEY (address, minute)
);

CREATE TABLE pegbar.one_time_secret (
  kind VARCHAR(30) NOT NULL,
  subject VARCHAR(200) NOT NULL,
  data JSONB NOT NULL,
  expires_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT one_time_secret_pkey PRIMARY KEY (kind, subject)
);
CREATE INDEX ix_one_time_secret_expires_at ON pegbar.one_time_secret (expires_at);

CREATE TABLE pegbar.outbox (
  position BIGINT GENERATED ALWAYS AS IDENTITY,
  xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
  name VARCHAR(80) NOT NULL,
  project_id UUID,
  person_id UUID,
  payload TEXT NOT NULL,
  event_id UUID,
  created_at TIMESTAMP WITHOUT TIME ZONE DEFAULT timezone('utc', now()) NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (position)
);
CREATE INDEX ix_outbox_created_at ON pegbar.outbox (created_at);

CREATE TABLE pegbar.revoked_token (
  jti VARCHAR(60) NOT NULL,
  expires_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT revoked_token_pkey PRIMARY KEY (jti)
);
CREATE INDEX ix_revoked_token_expires_at ON pegbar.revoked_token (expires_at);

CREATE TABLE pegbar.session_floor (
  person_id UUID NOT NULL,
  not_before TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT session_floor_pkey PRIMARY KEY (person_id)
);

