// A stand-in for types only. The registry this project installs from lacks @authhero/saml;
// authhero's bundle contains its code and only its declaration file names these types.
// Delete this folder and the "overrides" in package.json once the real package can be installed.
export interface SamlSigner {
  signSaml(xml: string, privateKey: string, publicCert: string): Promise<string>;
}
export declare class HttpSamlSigner implements SamlSigner {
  constructor(url: string);
  signSaml(xml: string, privateKey: string, publicCert: string): Promise<string>;
}
