-- Who agents are and were: the index of the registries, its unfinalized overlay, the proofs and files beside it.
--
-- Everything here is a rebuildable copy of chains and web servers, but for what a proof says of a block whose state no node
-- keeps any more, and for files that have changed since. Rows of an unfinalized block hang on that block by a foreign key:
-- when a reorganisation drops the block, nothing of it remains. Agent ids are 32 bytes, big-endian, so they sort as numbers.

CREATE TABLE registry (
	id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	chain_id        bigint NOT NULL CHECK (chain_id > 0),
	address         bytea  NOT NULL CHECK (octet_length(address) = 20),
	start_block     bigint NOT NULL CHECK (start_block >= 0),
	indexed         bigint NOT NULL CHECK (indexed >= start_block - 1),
	fetched         bigint CHECK (fetched >= indexed),
	implementation  bytea  CHECK (octet_length(implementation) = 20),
	code_hash       bytea  CHECK (octet_length(code_hash) = 32),
	known           boolean NOT NULL DEFAULT false,
	UNIQUE (chain_id, address)
);
COMMENT ON TABLE registry IS 'Every IdentityRegistry (or ReputationRegistry) this gateway indexes or has indexed.';
COMMENT ON COLUMN registry.indexed IS 'All finalized blocks up to here are in; start_block - 1 when none is.';
COMMENT ON COLUMN registry.fetched IS 'Finalized blocks up to here are stored; those above indexed came from logs alone and wait to be compared with storage, and nothing is answered from them. Null: as indexed.';
COMMENT ON COLUMN registry.implementation IS 'Contract behind the ERC-1967 proxy when last looked at; zero-length never, null unknown.';
COMMENT ON COLUMN registry.known IS 'That implementation''s storage layout is known, so its slots can be proved.';

CREATE TABLE chain_index (
	chain_id      bigint PRIMARY KEY CHECK (chain_id > 0),
	final_number  bigint NOT NULL CHECK (final_number >= 0),
	final_hash    bytea  NOT NULL CHECK (octet_length(final_hash) = 32),
	tip_number    bigint NOT NULL CHECK (tip_number >= final_number),
	tip_hash      bytea  NOT NULL CHECK (octet_length(tip_hash) = 32),
	tip_time      bigint NOT NULL CHECK (tip_time >= 0),
	target        bigint NOT NULL CHECK (target >= 0),
	updated       bigint NOT NULL CHECK (updated >= 0)
) WITH (fillfactor = 10);
COMMENT ON TABLE chain_index IS 'How far the index of a chain has come: one contiguous chain of blocks from each registry''s start to the tip.';
COMMENT ON COLUMN chain_index.final_number IS 'Blocks up to here were finalized when they were taken in.';
COMMENT ON COLUMN chain_index.tip_number IS 'The newest block taken in; those above final_number are the overlay, in block.';
COMMENT ON COLUMN chain_index.target IS 'The newest finalized block known when last looked: final_number of target is the progress.';

CREATE TABLE block (
	chain_id  bigint  NOT NULL CHECK (chain_id > 0),
	number    bigint  NOT NULL CHECK (number >= 0),
	hash      bytea   NOT NULL CHECK (octet_length(hash) = 32),
	parent    bytea   NOT NULL CHECK (octet_length(parent) = 32),
	time      bigint  NOT NULL CHECK (time >= 0),
	final     boolean NOT NULL,
	PRIMARY KEY (chain_id, number)
);
CREATE INDEX block_time ON block (chain_id, time, number);
COMMENT ON TABLE block IS 'Every block of the overlay, and of the finalized chain those in which something happened. time: seconds since 1970.';
COMMENT ON COLUMN block.parent IS 'Zero in a finalized block that is known from its logs alone.';

CREATE TABLE agent_event (
	registry   integer  NOT NULL REFERENCES registry,
	chain_id   bigint   NOT NULL,
	number     bigint   NOT NULL,
	log_index  integer  NOT NULL CHECK (log_index >= 0),
	tx         bytea    NOT NULL CHECK (octet_length(tx) = 32),
	agent_id   bytea    CHECK (octet_length(agent_id) = 32),
	kind       smallint NOT NULL,
	a          bytea    CHECK (octet_length(a) = 20),
	b          bytea    CHECK (octet_length(b) = 20),
	key        bytea,
	value      bytea,
	PRIMARY KEY (chain_id, number, log_index),
	FOREIGN KEY (chain_id, number) REFERENCES block ON DELETE CASCADE
);
CREATE INDEX agent_event_agent ON agent_event (registry, agent_id, number, log_index);
COMMENT ON TABLE agent_event IS 'The registries'' logs as decoded; kind is enum store_event_kind of sql/store_identity.h, a and b its addresses.';
COMMENT ON COLUMN agent_event.log_index IS 'In the block, over all contracts: with the block it names the log.';
COMMENT ON COLUMN agent_event.key IS 'Of metadata: any bytes, for a contract''s string need not be UTF-8.';

CREATE TABLE uri (
	hash  bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
	body  bytea NOT NULL CHECK (octet_length(body) <= 65536)
);
COMMENT ON TABLE uri IS 'Token URIs by their SHA-256; any bytes the contract holds.';

CREATE TABLE agent_state (
	registry    integer  NOT NULL REFERENCES registry,
	agent_id    bytea    NOT NULL CHECK (octet_length(agent_id) = 32),
	chain_id    bigint   NOT NULL,
	number      bigint   NOT NULL,
	owner       bytea    NOT NULL CHECK (octet_length(owner) = 20),
	wallet      bytea    CHECK (octet_length(wallet) = 20),
	uri         bytea    NOT NULL REFERENCES uri,
	changed     smallint NOT NULL CHECK (changed BETWEEN 0 AND 15),
	tier        smallint NOT NULL CHECK (tier BETWEEN 1 AND 4),
	PRIMARY KEY (registry, agent_id, number),
	FOREIGN KEY (chain_id, number) REFERENCES block ON DELETE CASCADE
);
CREATE INDEX agent_state_block ON agent_state (chain_id, number);
CREATE INDEX agent_state_uri ON agent_state (uri);
COMMENT ON TABLE agent_state IS 'What the registry held about an agent at the END of a block in which something of it changed. The row in force at block n is the last with number <= n.';
COMMENT ON COLUMN agent_state.wallet IS 'Null: no wallet.';
COMMENT ON COLUMN agent_state.changed IS 'Against the row before: 1 owner, 2 wallet, 4 uri. The first row has 8 (registered) and what it is not empty of.';
COMMENT ON COLUMN agent_state.tier IS 'Where it was read: 1 events, 2 rpc, 3 quorum, 4 proof (enum store_tier).';

CREATE TABLE agent_proof (
	registry  integer NOT NULL REFERENCES registry,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	chain_id  bigint  NOT NULL,
	number    bigint  NOT NULL,
	body      bytea   NOT NULL,
	PRIMARY KEY (registry, agent_id, number),
	FOREIGN KEY (chain_id, number) REFERENCES block ON DELETE CASCADE
);
CREATE INDEX agent_proof_block ON agent_proof (chain_id, number);
COMMENT ON TABLE agent_proof IS 'Proof objects (docs/formats.md section 11) taken at the block of a change, while nodes could still make them.';

CREATE TABLE agent_now (
	registry  integer NOT NULL REFERENCES registry,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	number    bigint  NOT NULL,
	owner     bytea   NOT NULL CHECK (octet_length(owner) = 20),
	wallet    bytea   CHECK (octet_length(wallet) = 20),
	uri       bytea   NOT NULL CHECK (octet_length(uri) = 32),
	looked    boolean NOT NULL DEFAULT false,
	PRIMARY KEY (registry, agent_id)
) WITH (fillfactor = 70);
CREATE INDEX agent_now_owner ON agent_now (owner, registry, agent_id);
CREATE INDEX agent_now_wallet ON agent_now (wallet, registry, agent_id) WHERE wallet IS NOT NULL;
CREATE INDEX agent_now_unlooked ON agent_now (registry, agent_id) WHERE NOT looked;
COMMENT ON TABLE agent_now IS 'The row of agent_state in force at the tip, for searches; written with it, rebuilt for the agents a reorganisation touches.';
COMMENT ON COLUMN agent_now.uri IS 'That row''s: no foreign key of its own, or each URI a reorganisation orphans would scan this table.';
COMMENT ON COLUMN agent_now.looked IS 'What this URI leads to was looked at since the agent got it.';

CREATE TABLE file (
	registry   integer NOT NULL,
	agent_id   bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	uri        bytea   NOT NULL REFERENCES uri,
	at         bigint  NOT NULL CHECK (at >= 0),
	seen       bigint  NOT NULL CHECK (seen >= at),
	status     text    NOT NULL CHECK (octet_length(status) BETWEEN 1 AND 32),
	detail     text    NOT NULL DEFAULT '' CHECK (octet_length(detail) <= 512),
	content    bytea   CHECK (octet_length(content) = 32),
	body       bytea   CHECK (octet_length(body) <= 262144),
	name       text    CHECK (octet_length(name) <= 1024),
	back       boolean NOT NULL DEFAULT false,
	PRIMARY KEY (registry, agent_id, at),
	FOREIGN KEY (registry, agent_id) REFERENCES agent_now ON DELETE CASCADE
);
CREATE INDEX file_uri ON file (uri);
COMMENT ON TABLE file IS 'Snapshots of registration files: a row each time what the URI leads to changed. at: first seen so, seen: last seen so (ms).';
COMMENT ON COLUMN file.status IS '"ok", or why it could not be had: a word of docs/formats.md section 12.';
COMMENT ON COLUMN file.content IS 'SHA-256 of body, the bytes as fetched.';
COMMENT ON COLUMN file.back IS 'The file''s registrations name this agent.';

CREATE TABLE file_now (
	registry  integer NOT NULL,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	at        bigint  NOT NULL,
	due       bigint  NOT NULL CHECK (due >= 0),
	name      text    NOT NULL DEFAULT '' CHECK (octet_length(name) <= 1024),
	services  text[]  NOT NULL DEFAULT '{}',
	PRIMARY KEY (registry, agent_id),
	FOREIGN KEY (registry, agent_id) REFERENCES agent_now ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX file_now_due ON file_now (due);
CREATE INDEX file_now_name ON file_now (lower(name) text_pattern_ops, registry, agent_id);
CREATE INDEX file_now_services ON file_now USING gin (services);
COMMENT ON TABLE file_now IS 'Newest snapshot of each agent, when to look again, and what is searched for: name, and service names in lower case.';

CREATE TABLE domain_proof (
	registry  integer NOT NULL,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	domain    text    NOT NULL CHECK (octet_length(domain) BETWEEN 1 AND 255),
	state     text    NOT NULL CHECK (octet_length(state) BETWEEN 1 AND 32),
	at        bigint  NOT NULL CHECK (at >= 0),
	PRIMARY KEY (registry, agent_id, domain),
	FOREIGN KEY (registry, agent_id) REFERENCES agent_now ON DELETE CASCADE
);
COMMENT ON TABLE domain_proof IS 'Whether https://DOMAIN/.well-known/agent-registration.json names the agent, when last looked.';

CREATE TABLE hosted_file (
	registry  integer NOT NULL REFERENCES registry,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	name      text    NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
	body      bytea   NOT NULL CHECK (octet_length(body) <= 65536),
	content   bytea   NOT NULL CHECK (octet_length(content) = 32),
	owner     bytea   NOT NULL CHECK (octet_length(owner) = 20),
	number    bigint  NOT NULL CHECK (number >= 0),
	at        bigint  NOT NULL CHECK (at >= 0),
	PRIMARY KEY (registry, agent_id, name)
);
COMMENT ON TABLE hosted_file IS 'Registration files kept for agents, at most 8 each, signed for by their owners. number: raised by each write, so a signature cannot be replayed.';

CREATE TABLE hosted_number (
	registry  integer NOT NULL REFERENCES registry,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	number    bigint  NOT NULL CHECK (number >= 0),
	PRIMARY KEY (registry, agent_id)
);
COMMENT ON TABLE hosted_number IS 'The last number an agent used on a hosted file: it outlives the file, or a deleted one could be written again.';

CREATE TABLE logged_identity (
	one       boolean PRIMARY KEY DEFAULT true CHECK (one),
	seq       bigint  NOT NULL CHECK (seq >= 0),
	checked   bigint  NOT NULL CHECK (checked >= 0)
);
COMMENT ON TABLE logged_identity IS 'The notary''s place. seq: entries before it were looked at for agents to know; checked: attestations before it had their block compared with the finalized chain.';

CREATE TABLE known_agent (
	key       text    COLLATE "C" PRIMARY KEY CHECK (key <> ''),
	registry  integer NOT NULL REFERENCES registry,
	agent_id  bytea   NOT NULL CHECK (octet_length(agent_id) = 32),
	logged    bigint  NOT NULL CHECK (logged >= -1),
	feedback  bigint  NOT NULL CHECK (feedback >= -1)
);
CREATE UNIQUE INDEX known_agent_id ON known_agent (registry, agent_id);
COMMENT ON TABLE known_agent IS 'Agents the log knows (key text), and the last finalized block whose identity facts, and feedback, were logged for them; -1 none.';

CREATE FUNCTION kedge_require(ok boolean, code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF ok IS NOT TRUE THEN
		RAISE EXCEPTION 'a condition of this write does not hold' USING ERRCODE = code;
	END IF;
	RETURN true;
END $$;
COMMENT ON FUNCTION kedge_require IS 'True if ok; otherwise the transaction fails with that SQLSTATE.';

GRANT SELECT, INSERT ON registry, chain_index, block, agent_event, uri, agent_state, agent_proof, agent_now, file, file_now, domain_proof,
	hosted_file, hosted_number, logged_identity, known_agent TO kedge_app;
GRANT UPDATE ON registry, chain_index, block, agent_now, file_now, domain_proof, hosted_file, hosted_number, logged_identity,
	known_agent TO kedge_app;
GRANT UPDATE (tier, changed) ON agent_state TO kedge_app;
GRANT UPDATE (seen) ON file TO kedge_app;
GRANT DELETE ON block, agent_state, uri, agent_now, file, file_now, domain_proof, hosted_file TO kedge_app;
