-- +goose Up
-- Mailings (販促配信): what is sent to a segment's members by post or e-mail, to see what
-- they buy then.
CREATE TABLE mailings (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	name         text NOT NULL,
	medium       text NOT NULL CHECK (medium IN ('DM', 'MAIL')),
	segment_id   uuid NOT NULL REFERENCES segments,
	store_id     uuid REFERENCES locations, -- on whose behalf it is sent; null: the brand's
	follows_id   uuid REFERENCES mailings,  -- to whose recipients it is sent again (再販促)
	currency     text NOT NULL,
	piece_cost   bigint NOT NULL CHECK (piece_cost >= 0), -- minor units, for each that is sent
	fixed_cost   bigint NOT NULL CHECK (fixed_cost >= 0), -- minor units
	hold_out     int NOT NULL CHECK (hold_out BETWEEN 0 AND 50), -- per cent who get nothing, to compare with
	window_days  int NOT NULL CHECK (window_days BETWEEN 1 AND 365),
	product_ids  uuid[] NOT NULL DEFAULT '{}', -- whose purchases count; with the categories none: all
	category_ids uuid[] NOT NULL DEFAULT '{}',

	subject      text NOT NULL DEFAULT '', -- of e-mails, and what follows
	body         text NOT NULL DEFAULT '',
	imprint      text NOT NULL DEFAULT '', -- who sends it, as the law wants it said
	per_second   int NOT NULL DEFAULT 10 CHECK (per_second BETWEEN 1 AND 100),
	track_opens  boolean NOT NULL DEFAULT false,

	state        text NOT NULL CHECK (state IN ('DRAFT', 'PREPARING', 'SENDING', 'PAUSED', 'SENT', 'CANCELLED')),
	audience     int NOT NULL DEFAULT 0, -- whom the segment had when it was sent
	decided      int NOT NULL DEFAULT 0, -- of whom it is known what becomes of them
	addressed    int NOT NULL DEFAULT 0, -- who shall get it
	held_out     int NOT NULL DEFAULT 0,
	left_out     int NOT NULL DEFAULT 0,
	sent         int NOT NULL DEFAULT 0,
	actor_id     uuid,
	leased_until timestamptz, -- until then one process works on it
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	sent_at      timestamptz, -- since when purchases count
	completed_at timestamptz
);
CREATE INDEX mailings_newest ON mailings (brand_id, created_at DESC, id DESC);
CREATE INDEX mailings_working ON mailings (sent_at) WHERE state IN ('PREPARING', 'SENDING');

CREATE TABLE mailing_recipients (
	mailing_id uuid NOT NULL REFERENCES mailings,
	member_id  uuid NOT NULL,
	state      text NOT NULL CHECK (state IN ('CANDIDATE', 'QUEUED', 'SENDING', 'SENT', 'HELD_OUT', 'LEFT_OUT')),
	reason     text NOT NULL DEFAULT '', -- why left out
	position   int,                      -- among those who shall get it, from 1
	PRIMARY KEY (mailing_id, member_id)
);
CREATE UNIQUE INDEX mailing_recipients_position ON mailing_recipients (mailing_id, position) WHERE position IS NOT NULL;
CREATE INDEX mailing_recipients_open ON mailing_recipients (mailing_id, state, member_id) WHERE state IN ('CANDIDATE', 'QUEUED', 'SENDING', 'LEFT_OUT');
CREATE INDEX mailing_recipients_member ON mailing_recipients (member_id);

-- E-mail addresses at which nothing arrives. Only a keyed hash of each is kept.
CREATE TABLE mail_addresses (
	hash          bytea PRIMARY KEY,
	soft_bounces  int NOT NULL DEFAULT 0, -- since one last arrived, as far as is known
	suppressed_at timestamptz,
	diagnosis     text NOT NULL DEFAULT '',
	updated_at    timestamptz NOT NULL
);

-- Label sheets, and lists of who is left out, that somebody asked for.
CREATE TABLE mailing_files (
	id         uuid PRIMARY KEY,
	mailing_id uuid NOT NULL REFERENCES mailings,
	kind       text NOT NULL CHECK (kind IN ('LABELS', 'LEFT_OUT')),
	format     text NOT NULL DEFAULT '', -- the sheet of labels
	skip       int NOT NULL DEFAULT 0,   -- labels of the first sheet that are used up
	first      int NOT NULL DEFAULT 0,   -- positions
	last       int NOT NULL DEFAULT 0,
	actor_role text NOT NULL,
	actor_id   uuid,
	created_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE mailing_files, mail_addresses, mailing_recipients, mailings;
