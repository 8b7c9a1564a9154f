-- A registry that was added later is fetched below the final block, and what came may be untrue. What is stored of it so far is
-- provisional, nothing was answered from it, and only that may go; of all else the application still deletes no events.

CREATE FUNCTION kedge_forget_provisional(which integer) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	DELETE FROM agent_event e USING registry r WHERE r.id = which AND e.registry = r.id AND e.number > r.indexed;
	DELETE FROM agent_proof p USING registry r WHERE r.id = which AND p.registry = r.id AND p.number > r.indexed;
$$;
COMMENT ON FUNCTION kedge_forget_provisional IS 'Deletes the events and proofs of a registry above registry.indexed.';
REVOKE ALL ON FUNCTION kedge_forget_provisional FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kedge_forget_provisional TO kedge_app;
