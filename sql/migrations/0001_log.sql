-- The log and what stands beside it. Times are milliseconds since 1970; hashes are raw SHA-256 unless said otherwise;
-- sizes and seqs count entries. What the application may not do is left out of its grants at the end.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kedge_app') THEN
		CREATE ROLE kedge_app NOLOGIN;
	END IF;
EXCEPTION WHEN insufficient_privilege THEN
	RAISE EXCEPTION 'role kedge_app is missing and % may not create it', current_user;
END $$;

CREATE TABLE log_head (
	one         boolean PRIMARY KEY DEFAULT true CHECK (one),
	origin      text    NOT NULL CHECK (octet_length(origin) BETWEEN 1 AND 255),
	size        bigint  NOT NULL DEFAULT 0 CHECK (size >= 0),
	edge        bytea   NOT NULL DEFAULT '' CHECK (octet_length(edge) % 32 = 0 AND octet_length(edge) <= 2048),
	at          bigint  NOT NULL DEFAULT 0 CHECK (at >= 0),
	index_size  bigint  NOT NULL DEFAULT 0 CHECK (index_size BETWEEN 0 AND size),
	index_edge  bytea   NOT NULL DEFAULT '' CHECK (octet_length(index_edge) % 32 = 0 AND octet_length(index_edge) <= 2048)
) WITH (fillfactor = 10);
COMMENT ON TABLE log_head IS 'The one row that orders all appends: locked FOR UPDATE by each, moved by each.';
COMMENT ON COLUMN log_head.edge IS 'Roots of the perfect subtrees of size leaves, largest first, 32 bytes each.';
COMMENT ON COLUMN log_head.at IS 'Time of the last entry; never decreases.';
COMMENT ON COLUMN log_head.index_size IS 'Size just after the last index head, 0 before the first: what is to be published.';

CREATE TABLE entry (
	seq      bigint PRIMARY KEY CHECK (seq >= 0),
	at       bigint NOT NULL CHECK (at >= 0),
	kind     text   COLLATE "C" NOT NULL CHECK (kind <> ''),
	uid      bytea  UNIQUE CHECK (octet_length(uid) = 32),
	issuer   text   COLLATE "C",
	subject  text   COLLATE "C",
	leaf     bytea  NOT NULL CHECK (octet_length(leaf) = 32),
	line     text   COLLATE "C" NOT NULL CHECK (octet_length(line) BETWEEN 1 AND 65535),
	CHECK ((kind = 'index') = (subject IS NULL)),
	CHECK (kind <> 'index' OR uid IS NULL)
);
CREATE INDEX entry_subject ON entry (subject, seq);
CREATE INDEX entry_issuer ON entry (issuer, seq);
COMMENT ON TABLE entry IS 'The log. Rows are inserted once and never change.';
COMMENT ON COLUMN entry.uid IS 'Idempotency key of what was submitted; null where a kind has none.';
COMMENT ON COLUMN entry.leaf IS 'SHA-256(0x00 || line).';
COMMENT ON COLUMN entry.line IS 'The entry: one line of canonical JSON, without line feed.';

CREATE TABLE evidence (
	hash  bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
	body  bytea NOT NULL
);
COMMENT ON TABLE evidence IS 'What was read from a chain when an entry was accepted, by its SHA-256; shared by entries.';

CREATE TABLE payload (
	seq       bigint PRIMARY KEY CHECK (seq >= 0),
	body      bytea  NOT NULL,
	evidence  bytea  REFERENCES evidence
);
COMMENT ON TABLE payload IS 'What was submitted, beside the log, so that the law can erase it: the entry holds its SHA-256.';
COMMENT ON COLUMN payload.seq IS 'An entry''s seq. No foreign key: it would cost a quarter of the append''s time, and entries are never deleted.';

CREATE TABLE tile (
	level   smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
	idx     bigint   NOT NULL CHECK (idx >= 0),
	hashes  bytea    NOT NULL CHECK (octet_length(hashes) = 8192),
	root    bytea    NOT NULL CHECK (octet_length(root) = 32),
	PRIMARY KEY (level, idx)
);
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE tile IS 'Complete tiles of height 8 (C2SP tlog-tiles). Unfinished ones are computed from what is below them.';
COMMENT ON COLUMN tile.root IS 'The one hash of this tile at level + 1.';

CREATE TABLE checkpoint (
	size  bigint PRIMARY KEY CHECK (size >= 0),
	root  bytea  NOT NULL CHECK (octet_length(root) = 32),
	note  text   NOT NULL CHECK (octet_length(note) BETWEEN 1 AND 8192),
	at    bigint NOT NULL CHECK (at >= 0)
);
COMMENT ON TABLE checkpoint IS 'Every checkpoint the signer has signed. Rows are inserted once and never change.';
COMMENT ON COLUMN checkpoint.note IS 'Signed note, C2SP tlog-checkpoint.';

CREATE TABLE published (
	size  bigint PRIMARY KEY REFERENCES checkpoint,
	at    bigint NOT NULL CHECK (at >= 0)
);
COMMENT ON TABLE published IS 'Which checkpoints were published: their last leaf is an index head.';

CREATE TABLE map_node (
	hash  bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
	body  bytea NOT NULL CHECK (octet_length(body) = 65 AND get_byte(body, 0) IN (2, 3))
);
COMMENT ON TABLE map_node IS 'Nodes of the completeness map, copy-on-write: kind and 64 bytes, by their SHA-256.';

CREATE TABLE map_head (
	size  bigint PRIMARY KEY CHECK (size >= 0),
	root  bytea  NOT NULL CHECK (octet_length(root) = 32)
);
COMMENT ON TABLE map_head IS 'Root of the completeness map over the entries before size: what the index head at seq = size says.';

CREATE TABLE subject (
	key           text   COLLATE "C" PRIMARY KEY,
	count         bigint NOT NULL CHECK (count > 0),
	edge          bytea  NOT NULL CHECK (octet_length(edge) % 32 = 0 AND octet_length(edge) BETWEEN 32 AND 2048),
	indexed_size  bigint NOT NULL CHECK (indexed_size > 0)
);
COMMENT ON TABLE subject IS 'Sub-log of each subject as of the last index head: its leaf count and right edge. Rebuildable.';

CREATE TABLE chain_head (
	chain             text   PRIMARY KEY CHECK (chain <> ''),
	latest_number     bigint NOT NULL CHECK (latest_number >= 0),
	latest_hash       bytea  NOT NULL CHECK (octet_length(latest_hash) = 32),
	safe_number       bigint NOT NULL CHECK (safe_number >= 0),
	safe_hash         bytea  NOT NULL CHECK (octet_length(safe_hash) = 32),
	finalized_number  bigint NOT NULL CHECK (finalized_number >= 0),
	finalized_hash    bytea  NOT NULL CHECK (octet_length(finalized_hash) = 32),
	read_at           bigint NOT NULL CHECK (read_at >= 0)
) WITH (fillfactor = 10);
COMMENT ON TABLE chain_head IS 'The newest blocks the follower has seen, one row a chain (CAIP-2). Hashes are block hashes.';

CREATE TABLE anchor_attempt (
	hash              bytea  PRIMARY KEY CHECK (octet_length(hash) = 32),
	chain_id          bigint NOT NULL CHECK (chain_id >= 0),
	contract          bytea  NOT NULL CHECK (octet_length(contract) = 20),
	sender            bytea  NOT NULL CHECK (octet_length(sender) = 20),
	nonce             bigint NOT NULL CHECK (nonce >= 0),
	old_size          bigint NOT NULL CHECK (old_size >= 0),
	size              bigint NOT NULL CHECK (size > old_size),
	root              bytea  NOT NULL CHECK (octet_length(root) = 32),
	raw               bytea  NOT NULL CHECK (octet_length(raw) BETWEEN 1 AND 8192),
	max_fee           bigint NOT NULL CHECK (max_fee >= 0),
	max_priority_fee  bigint NOT NULL CHECK (max_priority_fee >= 0),
	gas               bigint NOT NULL CHECK (gas > 0),
	created           bigint NOT NULL CHECK (created >= 0),
	updated           bigint NOT NULL CHECK (updated >= created),
	outcome           text   CHECK (octet_length(outcome) BETWEEN 1 AND 32)
);
CREATE INDEX anchor_attempt_unfinished ON anchor_attempt (chain_id, sender, nonce) WHERE outcome IS NULL;
COMMENT ON TABLE anchor_attempt IS 'Every anchor transaction, stored before it was broadcast. Fees in wei; hash is the transaction''s (Keccak-256).';
COMMENT ON COLUMN anchor_attempt.outcome IS 'The sender''s word for how it ended; null while it must be watched.';

CREATE TABLE anchor (
	size          bigint   PRIMARY KEY CHECK (size > 0),
	root          bytea    NOT NULL CHECK (octet_length(root) = 32),
	block_number  bigint   NOT NULL CHECK (block_number >= 0),
	block_hash    bytea    NOT NULL CHECK (octet_length(block_hash) = 32),
	level         smallint NOT NULL CHECK (level BETWEEN 1 AND 3),
	tx            bytea    CHECK (octet_length(tx) = 32),
	at            bigint   NOT NULL CHECK (at >= 0)
);
COMMENT ON TABLE anchor IS 'What the contract holds: roots[size] = root was read at that block. Level 1 latest, 2 safe, 3 finalized.';

CREATE TABLE duty (
	name   text   PRIMARY KEY CHECK (name <> ''),
	epoch  bigint NOT NULL CHECK (epoch > 0)
);
COMMENT ON TABLE duty IS 'Fence of each duty: raised by whoever takes it, checked by every write of it.';

CREATE TABLE quota (
	issuer  text   COLLATE "C",
	day     bigint CHECK (day >= 0),
	count   bigint NOT NULL CHECK (count >= 0),
	PRIMARY KEY (issuer, day)
) WITH (fillfactor = 70);
COMMENT ON TABLE quota IS 'Entries accepted from an issuer on a day (days since 1970, UTC).';

CREATE FUNCTION kedge_fence(duty_name text, duty_epoch bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF duty_name IS NULL THEN
		RETURN true;
	END IF;
	PERFORM FROM duty WHERE name = duty_name AND epoch = duty_epoch FOR SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'duty % is no longer held at epoch %', duty_name, duty_epoch USING ERRCODE = 'KF001';
	END IF;
	RETURN true;
END $$;
COMMENT ON FUNCTION kedge_fence IS 'True if the duty is still at that epoch (or no duty is named); otherwise fails with KF001.';

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kedge_app;
GRANT INSERT ON log_head, entry, evidence, payload, tile, checkpoint, published, map_node, map_head, subject, chain_head,
	anchor_attempt, anchor, duty, quota TO kedge_app;
GRANT UPDATE ON log_head, subject, chain_head, anchor, duty, quota TO kedge_app;
GRANT UPDATE (outcome, updated) ON anchor_attempt TO kedge_app;
GRANT DELETE ON anchor, quota TO kedge_app;
