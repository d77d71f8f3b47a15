-- What nobody reads: two published views, and columns that were written with every change and asked for by no statement.
DROP VIEW occupancy.gap_now;
DROP VIEW occupancy.doubt_now;
ALTER TABLE occupancy.space_doubt DROP COLUMN since, DROP COLUMN flips;
ALTER TABLE occupancy.heartbeat DROP COLUMN learned_at;
ALTER TABLE occupancy.drift_night DROP COLUMN looks;
ALTER TABLE occupancy.device_health DROP COLUMN kind;
