-- Streams read the entries of a few kinds in the order of the log, from any size on.
CREATE INDEX entry_kind ON entry (kind, seq) WHERE kind NOT IN ('attestation', 'index');
COMMENT ON INDEX entry_kind IS 'The kinds that are few beside attestations, each in the order of the log: what a stream of them reads. Appends of attestations do not touch it.';
