// Public clients of Cognito sign users up and in at the local AWS as they do at AWS.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
} from 'amazon-cognito-identity-js';
import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { createRemoteJWKSet, jwtVerify } from 'jose';

import { PASSWORD, code, createPool, start, totp } from './local_aws.js';

let aws;
let pool;

before(async () => {
  aws = await start();
  pool = await createPool(aws.url);
});

after(() => aws.stop());

/** Calls a method that takes a callback of Node's form. */
const called = (method) =>
  new Promise((resolve, reject) => method((error, result) => (error ? reject(error) : resolve(result))));

/** Verifies both tokens with both libraries: issuer, client, use, key of the pool. */
async function verified({ accessToken, idToken }) {
  const answer = await fetch(`${aws.url}/${pool.poolId}/.well-known/jwks.json`);
  const keys = await answer.json();
  const issuer = `https://cognito-idp.eu-central-1.amazonaws.com/${pool.poolId}`;
  const remote = createRemoteJWKSet(new URL(`${aws.url}/${pool.poolId}/.well-known/jwks.json`));
  for (const [tokenUse, token] of [['access', accessToken], ['id', idToken]]) {
    const verifier = CognitoJwtVerifier.create({ userPoolId: pool.poolId, clientId: pool.clientId, tokenUse });
    verifier.cacheJwks(keys);
    const claims = await verifier.verify(token);
    const { payload } = await jwtVerify(token, remote, { issuer });
    assert.equal(payload.sub, claims.sub);
  }
  const kids = keys.keys.map((key) => key.kid);
  assert.equal(new Set(kids).size, 2);
}

test('amazon-cognito-identity-js signs up and in by SRP, refreshes and has a second factor', async () => {
  const userPool = new CognitoUserPool({ UserPoolId: pool.poolId, ClientId: pool.clientId, endpoint: aws.url });
  const username = 'alice';
  const attributes = [new CognitoUserAttribute({ Name: 'email', Value: 'alice@example.com' })];
  await called((done) => userPool.signUp(username, PASSWORD, attributes, [], done));
  const user = new CognitoUser({ Username: username, Pool: userPool });
  await called(async (done) => user.confirmRegistration(await code(aws.url, username), false, done));

  const signIn = (password, more = {}) =>
    new Promise((resolve, reject) =>
      user.authenticateUser(new AuthenticationDetails({ Username: username, Password: password }), {
        onSuccess: resolve,
        onFailure: reject,
        ...more,
      }),
    );
  await assert.rejects(signIn('Wrong-passw0rd'), { code: 'NotAuthorizedException' });
  const session = await signIn(PASSWORD);
  await verified({
    accessToken: session.getAccessToken().getJwtToken(),
    idToken: session.getIdToken().getJwtToken(),
  });
  const refreshed = await called((done) => user.refreshSession(session.getRefreshToken(), done));
  assert.notEqual(refreshed.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());

  const secret = await new Promise((resolve, reject) =>
    user.associateSoftwareToken({ associateSecretCode: resolve, onFailure: reject }),
  );
  await new Promise((onSuccess, onFailure) =>
    user.verifySoftwareToken(totp(secret, -1), 'phone', { onSuccess, onFailure }),
  );
  const preference = { PreferredMfa: true, Enabled: true };
  await called((done) => user.setUserMfaPreference(null, preference, done));
  const second = await new Promise((resolve, reject) =>
    signIn(PASSWORD, {
      totpRequired: () =>
        user.sendMFACode(totp(secret), { onSuccess: resolve, onFailure: reject }, 'SOFTWARE_TOKEN_MFA'),
    }).then(resolve, reject),
  );
  assert.ok(second.isValid());
});

test('aws-amplify signs up and in by SRP, refreshes and has a second factor', async () => {
  Amplify.configure({
    Auth: {
      Cognito: { userPoolId: pool.poolId, userPoolClientId: pool.clientId, userPoolEndpoint: aws.url },
    },
  });
  const username = 'bob';
  const options = { userAttributes: { email: 'bob@example.com' } };
  await auth.signUp({ username, password: PASSWORD, options });
  await auth.confirmSignUp({ username, confirmationCode: await code(aws.url, username) });

  await assert.rejects(auth.signIn({ username, password: 'Wrong-passw0rd' }), { name: 'NotAuthorizedException' });
  assert.ok((await auth.signIn({ username, password: PASSWORD })).isSignedIn);
  const { tokens } = await auth.fetchAuthSession();
  await verified({ accessToken: tokens.accessToken.toString(), idToken: tokens.idToken.toString() });
  const refreshed = await auth.fetchAuthSession({ forceRefresh: true });
  assert.notEqual(refreshed.tokens.accessToken.toString(), tokens.accessToken.toString());
  assert.equal((await auth.fetchUserAttributes()).email, 'bob@example.com');

  const { sharedSecret } = await auth.setUpTOTP();
  await auth.verifyTOTPSetup({ code: totp(sharedSecret, -1) });
  await auth.updateMFAPreference({ totp: 'PREFERRED' });
  await auth.signOut();
  const asked = await auth.signIn({ username, password: PASSWORD });
  assert.equal(asked.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
  assert.ok((await auth.confirmSignIn({ challengeResponse: totp(sharedSecret) })).isSignedIn);
  await auth.signOut({ global: true });
});

test('aws-amplify proves the password by SRP in a choice-based sign-in', async () => {
  const username = 'carol';
  const options = { userAttributes: { email: 'carol@example.com' } };
  await auth.signUp({ username, password: PASSWORD, options });
  await auth.confirmSignUp({ username, confirmationCode: await code(aws.url, username) });
  const { isSignedIn } = await auth.signIn({
    username,
    password: PASSWORD,
    options: { authFlowType: 'USER_AUTH', preferredChallenge: 'PASSWORD_SRP' },
  });
  assert.ok(isSignedIn);
  await auth.signOut();
});

test('an issuer of its own is found by its configuration', async () => {
  const own = await start('--issuer-url', 'local');
  try {
    const { poolId, clientId } = await createPool(own.url);
    Amplify.configure({
      Auth: { Cognito: { userPoolId: poolId, userPoolClientId: clientId, userPoolEndpoint: own.url } },
    });
    await auth.signUp({ username: 'dave', password: PASSWORD, options: { userAttributes: { email: 'd@example.com' } } });
    await auth.confirmSignUp({ username: 'dave', confirmationCode: await code(own.url, 'dave') });
    await auth.signIn({ username: 'dave', password: PASSWORD });
    const { tokens } = await auth.fetchAuthSession();
    const issuer = `${own.url}/${poolId}`;
    const configuration = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));
    const { payload } = await jwtVerify(tokens.idToken.toString(), keys, { issuer, audience: clientId });
    assert.equal(configuration.issuer, payload.iss);
  } finally {
    await own.stop();
  }
});
