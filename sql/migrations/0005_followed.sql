-- Which registries the overlay holds the logs of. Registries come and go with the settings; blocks that were taken without one lack
-- its logs, and finality must not carry it over them.

ALTER TABLE registry ADD COLUMN followed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN registry.followed IS 'The blocks above chain_index.final_number were taken with its logs, and so finality carries `indexed` on. False of one that has just come to the settings, or left them.';

GRANT UPDATE (followed) ON registry TO kedge_app;
