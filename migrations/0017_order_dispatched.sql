-- A text that was handed to the link gives way to no newer one: it may be shown, and its device may answer.
ALTER TABLE gateway.device_order
    ADD COLUMN dispatched_at timestamptz, -- of a text: when it was first handed to the link; null before
    ADD CONSTRAINT device_order_unsent CHECK (state <> 'superseded' OR dispatched_at IS NULL);

-- Whose a refused message is that names no operator: that of the device it speaks for, as soon as one is registered.
-- The keys are those of `registry.heard_as`.
ALTER TABLE gateway.dead_letter ADD COLUMN devices text[] NOT NULL DEFAULT '{}';
UPDATE gateway.dead_letter SET devices = ARRAY[registry.heard_as(CASE
        WHEN topic LIKE 'v3/%/devices/%/up' OR topic LIKE 'application/%/device/%/event/%' THEN split_part(topic, '/', 4)
        WHEN topic LIKE 'device/%/message/up/%' THEN split_part(topic, '/', 2)
        WHEN topic LIKE 'http/hikvision/%' THEN split_part(topic, '/', 3)
        ELSE split_part(topic, '/', 1) END)]
WHERE operator IS NULL AND (
    topic LIKE 'v3/%/devices/%/up' OR topic LIKE 'application/%/device/%/event/%' OR topic LIKE 'device/%/message/up/%'
    OR topic LIKE 'http/hikvision/%' OR topic LIKE '%/device/message/up/%');
