export * from './config/index'
export * from './files/index'
export * from './tokenizer/index'
