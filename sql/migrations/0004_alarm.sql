-- While a final block of the index is not in the chain that is shown, nothing of that chain is answered from the index.

ALTER TABLE chain_index ADD COLUMN alarm boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN chain_index.alarm IS 'A finalized block of the index is not in the chain, and that lasts: what is stored is no answer.';
