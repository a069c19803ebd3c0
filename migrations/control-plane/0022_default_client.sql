-- AuthHero's seed let its makers' hosts receive codes of the control plane, for the application "default". What an
-- operator has changed stays.
UPDATE clients
SET doc = json_set(doc, '$.callbacks', json('[]'), '$.allowed_logout_urls', json('[]'))
WHERE client_id = 'default'
  AND json_extract(doc, '$.callbacks') = '["https://manage.authhero.net/auth-callback","https://local.authhero.net/auth-callback","https://localhost:5173/auth-callback","http://localhost:3000/auth-callback","http://localhost:3000/admin/auth-callback"]';
