-- An agent's links as they are read with its file. A function, so that whoever asks about an agent without links pays nothing for it: all that a
-- statement could have to do is made ready each time it runs.

CREATE FUNCTION kedge_agent_links(of_registry integer, of_agent bytea, of_uri bytea) RETURNS record LANGUAGE plpgsql STABLE AS $$
DECLARE
	found record;
BEGIN
	SELECT
		-- what the file of that URI claims; and of another agent its file, if that, when last had, is one, of its present URI, and claims this one;
		-- an index that is not there yet, or an alarm, knows no present URI
		(SELECT array_agg(ROW(c.kind::bigint, c.object, c.state::bigint, c.since, c.checked, c.good, c.seq, c.evidence, b.content, b.seen)
				ORDER BY c.place, c.object)
			FROM link_claim c
			LEFT JOIN LATERAL (SELECT h.content, h.seen FROM link_claim o
				JOIN agent_now n ON n.registry = o.registry AND n.agent_id = o.agent_id AND n.uri = o.uri
				JOIN registry w ON w.id = o.registry AND w.followed JOIN chain_index i ON i.chain_id = w.chain_id AND NOT i.alarm
				CROSS JOIN LATERAL (SELECT x.* FROM file x WHERE x.registry = o.registry AND x.agent_id = o.agent_id AND x.content IS NOT NULL
					ORDER BY x.at DESC LIMIT 1) h
				WHERE o.subject = c.object AND o.object = c.subject AND o.kind = 2 AND h.status = 'ok' AND h.uri = o.uri) b ON c.kind = 2
			WHERE c.registry = of_registry AND c.agent_id = of_agent AND c.uri = of_uri) AS claims,
		-- the participants that linked it; the last fields: another owned it since, as far as up to a block. Of what the index holds an answer is what is below its limit
		-- (sql/store_resolve_internal.h). Bits of changed: 1 owner, 8 registered
		(SELECT array_agg(y.consent) FROM (SELECT ROW(m.handle, a.owner, a.signed, a.seq, e.at, a.safe_number, a.safe_hash, a.latest_number,
				a.latest_hash, EXISTS (SELECT FROM agent_state s WHERE s.registry = r.id AND s.agent_id = a.agent_id
					AND s.number > a.latest_number AND s.number <= l.n AND s.changed & 9 <> 0 AND s.owner <> a.owner), greatest(l.n, 0)) AS consent
			FROM registry r
			JOIN participant_agent a ON a.chain_id = r.chain_id AND a.registry = r.address AND a.agent_id = of_agent
			JOIN participant m ON m.key = a.key
			JOIN entry e ON e.seq = a.seq
			LEFT JOIN chain_index i ON i.chain_id = r.chain_id
			CROSS JOIN LATERAL (SELECT CASE WHEN i.alarm THEN r.start_block - 1
				WHEN r.followed AND r.indexed >= i.final_number THEN i.tip_number
				WHEN r.followed THEN r.indexed ELSE least(r.indexed, i.final_number - 1) END AS n) l
			WHERE r.id = of_registry ORDER BY m.handle LIMIT 64) y) AS consents
		INTO found;
	RETURN found;
END $$;
COMMENT ON FUNCTION kedge_agent_links IS 'The claims of the agent''s file of that URI and the participants that linked the agent, as two lists of records: sql/store_link_read.h.';
