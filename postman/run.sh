#!/usr/bin/env bash
# Runs the Postman collection against a running stack (see `make run`). Arguments go to newman.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
base_url="${BASE_URL:-http://127.0.0.1:8000}"
crm_url="${CRM_URL:-http://127.0.0.1:8001}"

if ! command -v npm >/dev/null; then
  echo "newman needs Node.js 18 or newer with npm. Or import $here/crm-sync.postman_collection.json into Postman." >&2
  exit 1
fi
if [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
  npm ci --prefix "$here" --no-audit --no-fund --loglevel=error
fi
for url in "$base_url/healthz" "$crm_url/"; do
  if ! node -e 'fetch(process.argv[1]).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))' "$url"; then
    echo "Nothing answers at $url. Start the stack first: make run" >&2
    exit 1
  fi
done

exec "$here/node_modules/.bin/newman" run "$here/crm-sync.postman_collection.json" \
  --env-var "baseUrl=$base_url" --env-var "crmUrl=$crm_url" --timeout-request 60000 "$@"
