-- Participants: people with a handle on this host. Who they are and what is linked with them stands in the log's entries of kinds alias
-- and link, in their payloads; what is here besides the queue and the claimed handles is a copy of that, worked out anew by
-- `kedge participant rebuild`. One writer: the duty `participants`.

CREATE TABLE handle_claimed (
	hash  bytea  PRIMARY KEY CHECK (octet_length(hash) = 32),
	at    bigint NOT NULL CHECK (at >= 0)
);
CREATE INDEX handle_claimed_at ON handle_claimed (at);
COMMENT ON TABLE handle_claimed IS 'Every handle that was ever claimed, as SHA-256("kedge/handle/v1" || 0x00 || handle): nobody gets it again, also after an erasure. Rows are never deleted, and nowhere else.';
COMMENT ON COLUMN handle_claimed.at IS 'When; how many of a day there are is held against setting participant_quota.';

CREATE TABLE participant (
	key             text    COLLATE "C" PRIMARY KEY CHECK (key ~ '^urn:kedge:p:[0-9a-f]{32}$'),
	handle          text    COLLATE "C" NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9_-]{3,20}$'),
	claimant_chain  bigint  NOT NULL CHECK (claimant_chain >= 0),
	claimant        bytea   NOT NULL CHECK (octet_length(claimant) = 20),
	claimed         bigint  NOT NULL CHECK (claimed >= 0),
	created         bigint  NOT NULL CHECK (created >= 0),
	seq             bigint  NOT NULL CHECK (seq >= claimed),
	at              bigint  NOT NULL CHECK (at >= created),
	entries         bigint  NOT NULL CHECK (entries BETWEEN 1 AND 1000),
	state           bytea   NOT NULL
);
CREATE UNIQUE INDEX participant_claimant ON participant (claimant, claimant_chain);
COMMENT ON TABLE participant IS 'Every participant there is. An erased one has no row anywhere but in handle_claimed.';
COMMENT ON COLUMN participant.key IS 'Its only name in the log''s lines.';
COMMENT ON COLUMN participant.claimant IS 'The account that claimed the handle: one live handle an account.';
COMMENT ON COLUMN participant.claimed IS 'Seq of the entry that made it; created is that entry''s time.';
COMMENT ON COLUMN participant.seq IS 'Seq of its last entry, its version; at is that entry''s time.';
COMMENT ON COLUMN participant.entries IS 'How many it has.';
COMMENT ON COLUMN participant.state IS 'The fold of its entries as canonical JSON: gateway/participant/state.h.';

CREATE TABLE participant_account (
	key            text    COLLATE "C" NOT NULL REFERENCES participant ON DELETE CASCADE,
	chain_id       bigint  NOT NULL CHECK (chain_id >= 0),
	address        bytea   NOT NULL CHECK (octet_length(address) = 20),
	controller     boolean NOT NULL,
	contract       boolean NOT NULL,
	safe_number    bigint  CHECK (safe_number >= 0),
	safe_hash      bytea   CHECK (octet_length(safe_hash) = 32),
	latest_number  bigint  CHECK (latest_number >= 0),
	latest_hash    bytea   CHECK (octet_length(latest_hash) = 32),
	seq            bigint  NOT NULL CHECK (seq >= 0),
	PRIMARY KEY (key, chain_id, address),
	CHECK (contract = (safe_number IS NOT NULL AND safe_hash IS NOT NULL AND latest_number IS NOT NULL AND latest_hash IS NOT NULL))
);
CREATE INDEX participant_account_address ON participant_account (address, chain_id, key);
COMMENT ON TABLE participant_account IS 'Accounts linked with participants.';
COMMENT ON COLUMN participant_account.controller IS 'It may act for the participant.';
COMMENT ON COLUMN participant_account.contract IS 'It signed by its contract (ERC-1271), judged at these blocks of its chain; else by its key, which no block can change.';
COMMENT ON COLUMN participant_account.seq IS 'The entry since which it stands so.';

CREATE TABLE participant_agent (
	key            text    COLLATE "C" NOT NULL REFERENCES participant ON DELETE CASCADE,
	chain_id       bigint  NOT NULL CHECK (chain_id >= 0),
	registry       bytea   NOT NULL CHECK (octet_length(registry) = 20),
	agent_id       bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	owner          bytea   NOT NULL CHECK (octet_length(owner) = 20),
	signed         boolean NOT NULL,
	safe_number    bigint  NOT NULL CHECK (safe_number >= 0),
	safe_hash      bytea   NOT NULL CHECK (octet_length(safe_hash) = 32),
	latest_number  bigint  NOT NULL CHECK (latest_number >= 0),
	latest_hash    bytea   NOT NULL CHECK (octet_length(latest_hash) = 32),
	seq            bigint  NOT NULL CHECK (seq >= 0),
	PRIMARY KEY (key, chain_id, registry, agent_id)
);
CREATE INDEX participant_agent_id ON participant_agent (chain_id, registry, agent_id, key);
COMMENT ON TABLE participant_agent IS 'Agents linked with participants. A link holds only while `owner` owns the agent.';
COMMENT ON COLUMN participant_agent.owner IS 'Who consented, being the owner at these blocks of the agent''s chain.';
COMMENT ON COLUMN participant_agent.signed IS 'The owner signed; else it was an account of the participant, and the link ends with that.';
COMMENT ON COLUMN participant_agent.seq IS 'The entry that made the link.';

CREATE TABLE participant_foreign (
	key  text   COLLATE "C" NOT NULL REFERENCES participant ON DELETE CASCADE,
	did  text   COLLATE "C" NOT NULL CHECK (octet_length(did) BETWEEN 1 AND 255),
	seq  bigint NOT NULL CHECK (seq >= 0),
	PRIMARY KEY (key, did)
);
CREATE INDEX participant_foreign_did ON participant_foreign (did, key);
COMMENT ON TABLE participant_foreign IS 'Foreign DIDs that participants say are theirs; whether those say so too is not known here.';

CREATE TABLE participant_message (
	hash  bytea  PRIMARY KEY CHECK (octet_length(hash) = 32),
	key   text   COLLATE "C" NOT NULL REFERENCES participant ON DELETE CASCADE,
	seq   bigint NOT NULL CHECK (seq >= 0)
);
CREATE INDEX participant_message_key ON participant_message (key);
COMMENT ON TABLE participant_message IS 'SHA-256 of each message that counted, and the entry it counted for: it counts once.';

CREATE TABLE participant_request (
	hash      bytea   PRIMARY KEY CHECK (octet_length(hash) = 32),
	number    bigint  GENERATED ALWAYS AS IDENTITY,
	at        bigint  NOT NULL CHECK (at >= 0),
	operator  boolean NOT NULL,
	body      bytea   CHECK (octet_length(body) BETWEEN 1 AND 65536),
	answered  bigint  CHECK (answered >= 0),
	rule      text    CHECK (octet_length(rule) BETWEEN 1 AND 32),
	key       text,
	seq       bigint,
	CHECK ((body IS NULL) = (answered IS NOT NULL)),
	CHECK (rule IS NULL OR answered IS NOT NULL)
);
CREATE INDEX participant_request_open ON participant_request (number) WHERE answered IS NULL;
CREATE INDEX participant_request_answered ON participant_request (answered) WHERE answered IS NOT NULL;
COMMENT ON TABLE participant_request IS 'Changes that workers checked (or the operator asked for) and the duty has to judge. What was asked goes once it is answered; the answer after a while.';
COMMENT ON COLUMN participant_request.hash IS 'The change''s uid, so that the same change is asked for once; of the operator, random.';
COMMENT ON COLUMN participant_request.body IS 'The change: docs/formats.md section 15, payload; or what the operator wants.';
COMMENT ON COLUMN participant_request.rule IS 'Why it was refused; null: it was done.';

-- Of a payload the law may ask that it goes, but never without a word in the log: the entry whose uid is that of this erasure.
CREATE FUNCTION kedge_erase_payload(target bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM entry e WHERE e.kind = 'erasure'
		AND e.uid = sha256(convert_to('kedge/erasure/v1', 'UTF8') || '\x00'::bytea || int8send(target))) THEN
		RAISE EXCEPTION 'the log has no erasure of entry %', target USING ERRCODE = 'P0002';
	END IF;
	DELETE FROM payload p WHERE p.seq = target;
	RETURN true;
END $$;
COMMENT ON FUNCTION kedge_erase_payload IS 'Deletes the payload of an entry whose erasure is in the log; fails with P0002 if it is not.';
REVOKE ALL ON FUNCTION kedge_erase_payload FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kedge_erase_payload TO kedge_app;

GRANT SELECT, INSERT ON handle_claimed, participant, participant_account, participant_agent, participant_foreign, participant_message,
	participant_request TO kedge_app;
GRANT UPDATE ON participant, participant_request TO kedge_app;
GRANT DELETE ON participant, participant_account, participant_agent, participant_foreign, participant_message, participant_request TO kedge_app;
