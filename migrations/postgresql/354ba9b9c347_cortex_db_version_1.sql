-- create tenants
--
-- Revision ID: 354ba9b9c347
-- Revises:
-- Create Date: 2024-01-09 12:41:17.305862

-- limbeck:upgrade
CREATE TABLE tenants (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    name VARCHAR(200) NOT NULL,
    slug VARCHAR(63) NOT NULL,
    plan VARCHAR(20) NOT NULL DEFAULT 'free',
    ai_quota_monthly BIGINT NOT NULL DEFAULT 100000,
    ai_usage_current BIGINT NOT NULL DEFAULT 0,
    ai_quota_reset_at TIMESTAMPTZ,
    settings JSONB NOT NULL DEFAULT '{}'::jsonb,
    is_active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT uq_tenants_slug UNIQUE (slug),
    CONSTRAINT ck_tenants_slug CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT ck_tenants_plan CHECK (plan IN ('free', 'pro', 'enterprise')),
    CONSTRAINT ck_tenants_ai_quota CHECK (ai_quota_monthly >= 0 AND ai_usage_current >= 0),
    CONSTRAINT ck_tenants_settings CHECK (jsonb_typeof(settings) = 'object')
);

COMMENT ON COLUMN tenants.ai_usage_current IS 'tokens spent this month; set to 0 at ai_quota_reset_at';
COMMENT ON COLUMN tenants.ai_quota_reset_at IS 'null until the tenant''s first metered call';

-- Shared by the later tables: PostgreSQL has no ON UPDATE clause for a column.
CREATE FUNCTION cortex_set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;

CREATE TRIGGER tr_tenants_updated_at
BEFORE UPDATE ON tenants
FOR EACH ROW EXECUTE FUNCTION cortex_set_updated_at();

-- limbeck:downgrade
DROP TABLE tenants;
DROP FUNCTION cortex_set_updated_at();
