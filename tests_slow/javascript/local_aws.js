// The local AWS in a process of its own, and a user pool there.

import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const PASSWORD = 'YourPass123!';
const REGION = 'eu-central-1';
const SIGNATURE =
  `AWS4-HMAC-SHA256 Credential=local/20270101/${REGION}/cognito-idp/aws4_request, ` +
  'SignedHeaders=host, Signature=0';

/** Starts `python -m local_aws`; PYTHON names the interpreter. Returns its URL and how to end it. */
export async function start(...options) {
  const python = spawn(process.env.PYTHON ?? 'python3', ['-m', 'local_aws', '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: python.stdout });
  const [line] = await once(lines, 'line');
  const url = line.replace('local AWS listens on ', '');
  return {
    url,
    async stop() {
      python.kill('SIGTERM');
      await once(python, 'exit');
    },
  };
}

/** Creates a user pool and a public client that allows sign-in by SRP. */
export async function createPool(url) {
  const { UserPool } = await call(url, 'CreateUserPool', {
    PoolName: 'clients',
    AutoVerifiedAttributes: ['email'],
  });
  await call(url, 'SetUserPoolMfaConfig', {
    UserPoolId: UserPool.Id,
    MfaConfiguration: 'OPTIONAL',
    SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  const { UserPoolClient } = await call(url, 'CreateUserPoolClient', {
    UserPoolId: UserPool.Id,
    ClientName: 'clients',
    ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    PreventUserExistenceErrors: 'ENABLED',
  });
  return { poolId: UserPool.Id, clientId: UserPoolClient.ClientId };
}

async function call(url, operation, parameters) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': `AWSCognitoIdentityProviderService.${operation}`,
      Authorization: SIGNATURE,
    },
    body: JSON.stringify(parameters),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(`${operation}: ${JSON.stringify(content)}`);
  return content;
}

/** Returns the newest code that was sent to a user. */
export async function code(url, username) {
  const answer = await fetch(`${url}/local-aws/codes/${encodeURIComponent(username)}`);
  return (await answer.text()).trim();
}

/** Returns the code of an authenticator app (RFC 6238), *steps* of 30 s from now. */
export function totp(secret, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 0xf) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
