-- Since when and until when an agent had its owner, its wallet: found by one probe, however often its URI changed in between.

CREATE INDEX agent_state_owner ON agent_state (registry, agent_id, number) WHERE changed & 9 <> 0;
CREATE INDEX agent_state_wallet ON agent_state (registry, agent_id, number) WHERE changed & 10 <> 0;
COMMENT ON INDEX agent_state_owner IS 'States in which the agent was registered or changed its owner.';
COMMENT ON INDEX agent_state_wallet IS 'States in which the agent was registered or changed its wallet.';
