// The screens that nobody sees first.
import type { ComponentType } from "preact";
import { JobsScreen } from "./screens/jobs";
import { ModelsScreen } from "./screens/models";
import { SettingsScreen } from "./screens/settings";
import { SignInScreen } from "./screens/signin";
import { UsageScreen } from "./screens/usage";

export const screens: Record<string, ComponentType> = { jobs: JobsScreen, models: ModelsScreen, settings: SettingsScreen, signin: SignInScreen, usage: UsageScreen };
export { LearnPane } from "./screens/learn";
export { resume } from "./signin";
