-- +goose Up
-- Points (ポイント): each brand's programmes, and pools that are used in all brands.
CREATE TABLE point_programmes (
	id            uuid PRIMARY KEY,
	brand_id      uuid NOT NULL REFERENCES brands, -- that owes the points
	shared        boolean NOT NULL DEFAULT false,  -- used in all brands
	code          text NOT NULL UNIQUE,
	name          jsonb NOT NULL,
	currency      text NOT NULL,
	unit_points   bigint NOT NULL CHECK (unit_points > 0), -- so many points
	unit_minor    bigint NOT NULL CHECK (unit_minor > 0),  -- pay so much
	expiry_days   int CHECK (expiry_days > 0),
	confirm_days  int NOT NULL CHECK (confirm_days >= 0),
	grace_days    int NOT NULL CHECK (grace_days >= 0),
	notice_days   int NOT NULL CHECK (notice_days >= 0),
	transferable  boolean NOT NULL DEFAULT false,
	grant_limit   bigint NOT NULL CHECK (grant_limit >= 0),
	zone          text NOT NULL,
	created_at    timestamptz NOT NULL,
	updated_at    timestamptz NOT NULL,
	closed_at     timestamptz
);

-- So many points of one programme become so many of another.
CREATE TABLE point_rates (
	from_id     uuid NOT NULL REFERENCES point_programmes,
	to_id       uuid NOT NULL REFERENCES point_programmes,
	from_points bigint NOT NULL CHECK (from_points > 0),
	to_points   bigint NOT NULL CHECK (to_points > 0),
	updated_at  timestamptz NOT NULL,
	PRIMARY KEY (from_id, to_id),
	CHECK (from_id <> to_id)
);

-- For what points are given.
CREATE TABLE point_rules (
	id           uuid PRIMARY KEY,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	name         jsonb NOT NULL,
	terms        jsonb NOT NULL,
	valid_from   timestamptz,
	valid_until  timestamptz,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	closed_at    timestamptz
);
CREATE INDEX point_rules_programme ON point_rules (programme_id) WHERE closed_at IS NULL;

-- What a member has of a programme: always the sum of the account's entries, and what is
-- left of its lots. number is that of its last entry.
CREATE TABLE point_accounts (
	id           uuid PRIMARY KEY,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	member_id    uuid NOT NULL REFERENCES accounts,
	available    bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
	pending      bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
	owed         bigint NOT NULL DEFAULT 0 CHECK (owed >= 0),
	number       bigint NOT NULL DEFAULT 0,
	UNIQUE (programme_id, member_id)
) WITH (fillfactor = 70);
CREATE INDEX point_accounts_member ON point_accounts (member_id);

-- Every movement, by double entry: points leave one account and reach another. They are
-- never changed. portions are the lots that points came out of, or went back to.
CREATE TABLE point_entries (
	account_id uuid NOT NULL REFERENCES point_accounts,
	number     bigint NOT NULL,
	programme_id uuid NOT NULL,
	key        text NOT NULL,
	part       int NOT NULL,
	kind       text NOT NULL CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'EXPIRE', 'GRANT', 'DEDUCT',
		'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING')),
	debit      text NOT NULL,
	credit     text NOT NULL,
	points     bigint NOT NULL CHECK (points > 0),
	available  bigint NOT NULL CHECK (available >= 0), -- of the account after it
	pending    bigint NOT NULL CHECK (pending >= 0),
	undoes     text NOT NULL DEFAULT '',
	order_id   uuid,
	reason     text NOT NULL DEFAULT '',
	actor_id   uuid,
	portions   jsonb,
	at         timestamptz NOT NULL,
	PRIMARY KEY (account_id, number),
	UNIQUE (account_id, key, part),
	CHECK (debit <> credit)
);
CREATE INDEX point_entries_undoes ON point_entries (account_id, undoes) WHERE undoes <> '';
CREATE INDEX point_entries_order ON point_entries (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX point_entries_at ON point_entries USING brin (at);
CREATE INDEX point_entries_granted ON point_entries (actor_id, at) WHERE kind IN ('GRANT', 'DEDUCT');

-- Points that were given together and expire together, at the end of a day.
CREATE TABLE point_lots (
	id           uuid PRIMARY KEY,
	account_id   uuid NOT NULL REFERENCES point_accounts,
	programme_id uuid NOT NULL,
	pending      boolean NOT NULL,
	issued       bigint NOT NULL CHECK (issued > 0),
	remaining    bigint NOT NULL CHECK (remaining >= 0 AND remaining <= issued),
	expires_on   date,
	order_id     uuid,
	confirms_at  timestamptz,
	earned_at    timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX point_lots_open ON point_lots (account_id) WHERE remaining > 0;
CREATE INDEX point_lots_expiry ON point_lots (programme_id, expires_on, account_id) WHERE remaining > 0 AND NOT pending;
CREATE INDEX point_lots_due ON point_lots (confirms_at) WHERE remaining > 0 AND pending AND confirms_at IS NOT NULL;
CREATE INDEX point_lots_order ON point_lots (order_id) WHERE order_id IS NOT NULL;

-- When a member was told that points expire.
CREATE TABLE point_notices (
	account_id uuid NOT NULL REFERENCES point_accounts,
	expires_on date NOT NULL,
	points     bigint NOT NULL,
	told_at    timestamptz NOT NULL,
	PRIMARY KEY (account_id, expires_on)
);

-- Up to which day the points of a programme are in the journal.
CREATE TABLE point_bookings (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	day          date NOT NULL,
	points       bigint NOT NULL, -- given less expired, but for what orders used and gave back
	booked_at    timestamptz NOT NULL,
	PRIMARY KEY (programme_id, day)
);

-- Transfers to and from other point systems (他社ポイント交換).
CREATE TABLE point_partners (
	id           uuid PRIMARY KEY,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	code         text NOT NULL UNIQUE,
	name         jsonb NOT NULL,
	way          text NOT NULL CHECK (way IN ('API', 'FILE')),
	our_points   bigint NOT NULL CHECK (our_points > 0), -- so many of ours
	their_points bigint NOT NULL CHECK (their_points > 0), -- are so many of theirs
	min_points   bigint NOT NULL CHECK (min_points > 0),
	sends        boolean NOT NULL,
	receives     boolean NOT NULL,
	created_at   timestamptz NOT NULL,
	closed_at    timestamptz
);
CREATE TABLE point_transfers (
	id           uuid PRIMARY KEY,
	partner_id   uuid NOT NULL REFERENCES point_partners,
	account_id   uuid NOT NULL REFERENCES point_accounts,
	outgoing     boolean NOT NULL,
	state        text NOT NULL CHECK (state IN ('RESERVED', 'SENT', 'ACKNOWLEDGED', 'REJECTED', 'RETURNED', 'RECEIVED')),
	their_member text NOT NULL,
	points       bigint NOT NULL CHECK (points > 0),
	their_points bigint NOT NULL CHECK (their_points > 0),
	reference    text NOT NULL DEFAULT '', -- the other system's
	problem      text NOT NULL DEFAULT '',
	batch_id     uuid,                     -- of the file that it was sent with
	tries        int NOT NULL DEFAULT 0,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL
);
CREATE INDEX point_transfers_partner ON point_transfers (partner_id, created_at DESC, id DESC);
CREATE INDEX point_transfers_account ON point_transfers (account_id, created_at DESC, id DESC);
CREATE INDEX point_transfers_open ON point_transfers (partner_id, state) WHERE state IN ('RESERVED', 'SENT', 'REJECTED');
CREATE UNIQUE INDEX point_transfers_incoming ON point_transfers (partner_id, reference) WHERE NOT outgoing;

ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'POINTS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS', 'PROMOTIONS')) NOT VALID;
ALTER TABLE journal_lines VALIDATE CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT',
		'CORRECTION', 'REVERSAL', 'GIFT_CARD', 'RETURN', 'POINTS'));

-- +goose Down
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT',
		'CORRECTION', 'REVERSAL', 'GIFT_CARD', 'RETURN'));
ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS', 'PROMOTIONS')) NOT VALID;
DROP TABLE point_transfers, point_partners, point_bookings, point_notices, point_lots, point_entries, point_accounts, point_rules, point_rates, point_programmes;
