import { codecs } from "@suda/protocol";
export async function main(args: readonly string[]): Promise<void> {
  console.log(args, codecs.length, import.meta.resolve("@suda/protocol"));
}
