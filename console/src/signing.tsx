// Signing in, which servers without users have no use for.
import "./app"; // what the first screen is made of is one bundle, whoever shares it
export { SignInScreen } from "./screens/signin";
export { resume, signOut } from "./signin";
