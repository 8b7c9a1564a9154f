-- Links: what an agent's registration file or a participant claims about another identity, and what came of asking that one. Claims are
-- written by who reads or logs them (duties `files` and `participants`), in the same transaction; what came of it by the duty `links`.

CREATE TABLE link_claim (
	subject   text     COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 160),
	object    text     COLLATE "C" NOT NULL CHECK (octet_length(object) BETWEEN 1 AND 255),
	kind      smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
	registry  integer,
	agent_id  bytea    CHECK (octet_length(agent_id) = 32),
	uri       bytea    REFERENCES uri,
	place     smallint NOT NULL CHECK (place >= 0),
	seq       bigint   CHECK (seq >= 0),
	state     smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
	since     bigint   NOT NULL CHECK (since >= 0),
	checked   bigint   CHECK (checked >= 0),
	good      bigint   CHECK (good >= 0),
	due       bigint   CHECK (due >= 0),
	tries     integer  NOT NULL DEFAULT 0 CHECK (tries >= 0),
	evidence  text     CHECK (octet_length(evidence) <= 2048),
	PRIMARY KEY (subject, object),
	FOREIGN KEY (registry, agent_id) REFERENCES agent_now ON DELETE CASCADE,
	CHECK ((registry IS NULL) = (agent_id IS NULL) AND (registry IS NULL) = (uri IS NULL) AND (registry IS NULL) = (seq IS NOT NULL)),
	CHECK ((kind IN (1, 3)) = (due IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX link_claim_object ON link_claim (object, subject);
-- two: what is proven is looked for first, and must not be looked for among many that never will be
CREATE INDEX link_claim_due_proven ON link_claim (due) WHERE state = 1 AND tries = 0;
CREATE INDEX link_claim_due_other ON link_claim (due) WHERE due IS NOT NULL AND (state <> 1 OR tries > 0);
CREATE INDEX link_claim_agent ON link_claim (registry, agent_id) WHERE registry IS NOT NULL;
CREATE INDEX link_claim_uri ON link_claim (uri) WHERE uri IS NOT NULL;
COMMENT ON TABLE link_claim IS 'What subjects claim of other identities: gateway/links/link.h. A copy of files and of the log but for state, since, checked, good and evidence.';
COMMENT ON COLUMN link_claim.subject IS 'An agent''s key text, or a participant''s key.';
COMMENT ON COLUMN link_claim.object IS 'A DID, or another agent''s key text.';
COMMENT ON COLUMN link_claim.kind IS '1 another host''s did:web: its document is asked. 2 an agent: it must claim the subject. 3 an account that signed by its contract (did:pkh): asked again. 4 another DID: the chain, the tables or nobody knows.';
COMMENT ON COLUMN link_claim.uri IS 'Of an agent: what its URI was when the file said so; the claim stands only while it still is.';
COMMENT ON COLUMN link_claim.place IS 'Order within the subject.';
COMMENT ON COLUMN link_claim.seq IS 'Of a participant: the entry that says so.';
COMMENT ON COLUMN link_claim.state IS 'enum link_state, as of `checked`; since: when it became so. good: when last proven (ms).';
COMMENT ON COLUMN link_claim.due IS 'When to ask again (ms); tries: how often in a row it was not proven, or 1 of a proven one whose host is slow.';
COMMENT ON COLUMN link_claim.evidence IS 'JSON: what was asked and what it said.';

CREATE TABLE link_asked (
	subject  text    COLLATE "C" PRIMARY KEY CHECK (octet_length(subject) BETWEEN 1 AND 160),
	at       bigint  NOT NULL CHECK (at >= 0)
);
COMMENT ON TABLE link_asked IS 'When somebody last wanted a subject''s links checked at once. Swept.';

GRANT SELECT, INSERT, UPDATE, DELETE ON link_claim, link_asked TO kedge_app;
