-- The verified domains of a tenant, as JSON; the first is its canonical name. Beside its state, because every request
-- needs both, and so that whoever hears of one hears of the other.
ALTER TABLE rh_placements ADD COLUMN domains TEXT NOT NULL DEFAULT '[]';

UPDATE rh_placements SET domains = (
  SELECT json_group_array(domain) FROM (
    SELECT domain FROM custom_domains WHERE tenant_id = rh_placements.tenant_id AND status = 'ready'
    ORDER BY json_extract(doc, '$.primary') DESC, json_extract(doc, '$.verification.verified_at'), domain
  )
);

-- Triggers, so that no writer can forget it. A migration that rebuilds custom_domains has to make them again.
CREATE TRIGGER rh_custom_domains_added AFTER INSERT ON custom_domains WHEN NEW.status = 'ready'
BEGIN
  UPDATE rh_placements SET epoch = epoch + 1, domains = (
    SELECT json_group_array(domain) FROM (
      SELECT domain FROM custom_domains WHERE tenant_id = NEW.tenant_id AND status = 'ready'
      ORDER BY json_extract(doc, '$.primary') DESC, json_extract(doc, '$.verification.verified_at'), domain
    )
  ) WHERE tenant_id = NEW.tenant_id;
END;

CREATE TRIGGER rh_custom_domains_changed AFTER UPDATE ON custom_domains WHEN 'ready' IN (OLD.status, NEW.status)
BEGIN
  UPDATE rh_placements SET epoch = epoch + 1, domains = (
    SELECT json_group_array(domain) FROM (
      SELECT domain FROM custom_domains WHERE tenant_id = NEW.tenant_id AND status = 'ready'
      ORDER BY json_extract(doc, '$.primary') DESC, json_extract(doc, '$.verification.verified_at'), domain
    )
  ) WHERE tenant_id = NEW.tenant_id;
END;

CREATE TRIGGER rh_custom_domains_removed AFTER DELETE ON custom_domains WHEN OLD.status = 'ready'
BEGIN
  UPDATE rh_placements SET epoch = epoch + 1, domains = (
    SELECT json_group_array(domain) FROM (
      SELECT domain FROM custom_domains WHERE tenant_id = OLD.tenant_id AND status = 'ready'
      ORDER BY json_extract(doc, '$.primary') DESC, json_extract(doc, '$.verification.verified_at'), domain
    )
  ) WHERE tenant_id = OLD.tenant_id;
END;
