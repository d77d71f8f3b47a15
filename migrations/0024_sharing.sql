-- What sharing needs beyond 0021.
ALTER TABLE reservation.listing
    -- What the platform keeps of this listing's income, agreed when it was proposed.
    ADD COLUMN platform_share_bp integer NOT NULL DEFAULT 500
        CONSTRAINT listing_platform_share_range CHECK (platform_share_bp BETWEEN 0 AND 10000),
    -- In which its slots were laid out: a car park that moves to another has them laid out anew.
    ADD COLUMN laid_zone text,
    -- The operator says that a space which was lent once may be promised to everybody again.
    ADD COLUMN released_at timestamptz,
    ADD CONSTRAINT listing_released_when_revoked CHECK (released_at IS NULL OR state = 'revoked' AND decided_at IS NOT NULL);
CREATE UNIQUE INDEX listing_proposed_once ON reservation.listing (owner, space) WHERE state = 'proposed';
CREATE INDEX listing_to_lay ON reservation.listing (laid_until) WHERE state = 'approved';
-- One listing makes a space private: whoever approves a new one releases those before it.
CREATE UNIQUE INDEX listing_private ON reservation.listing (space)
    WHERE state IN ('approved', 'paused', 'revoked') AND decided_at IS NOT NULL AND released_at IS NULL;
CREATE INDEX listing_private_of_car_park ON reservation.listing (car_park, space)
    WHERE state IN ('approved', 'paused', 'revoked') AND decided_at IS NOT NULL AND released_at IS NULL;

-- Whose owners lend them, or lent them once: not of the pool, and promised inside the windows of a listing only.
CREATE VIEW reservation.private_space AS
    SELECT car_park, space, id AS listing FROM reservation.listing
    WHERE state IN ('approved', 'paused', 'revoked') AND decided_at IS NOT NULL AND released_at IS NULL;
